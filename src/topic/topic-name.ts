// Says whether a topic name may be published to. Comes before anything that splits it: a PUBLISH or a will
// is refused here by the codec's caller, so that no later code sees thousands of levels.
import { CharCode, lengthProblem } from './level.ts'

/** Why `topicName` is no valid topic name of at most `levelsMax` levels, as "it ..."; undefined: it is valid. */
export function topicNameProblem(topicName: string, levelsMax: number): string | undefined {
  const problem = lengthProblem(topicName)
  if (problem !== undefined) return problem
  let levels = 1
  for (let i = 0; i < topicName.length; i++) {
    const code = topicName.charCodeAt(i)
    if (code > CharCode.Separator) continue
    if (code === CharCode.Separator) {
      if (++levels > levelsMax) return `it has more than ${levelsMax} levels`
    } else if (code === CharCode.Plus || code === CharCode.Hash) {
      // [v5 MQTT-3.3.2-2] [v5 MQTT-4.7.0-1] [v3.1.1 MQTT-3.3.2-2] [v3.1.1 MQTT-4.7.1-1]
      return 'it contains a wildcard character'
    } else if (code === CharCode.Null) {
      // [v5 MQTT-4.7.3-2] [v3.1.1 MQTT-4.7.3-2]
      return 'it contains U+0000'
    }
  }
  return undefined
}
