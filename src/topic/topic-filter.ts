// Says whether a topic filter may be subscribed to, and takes shared ones apart.
// Comes before the tries: they take a filter that passed here, with the share prefix off.
//
//   $share/{share name}/{topic filter}      every other filter, $shared/x too, is a plain one
import { CharCode, lengthProblem } from './level.ts'

const SHARE = '$share'
const SHARE_PREFIX = '$share/'

export interface Share {
  readonly shareName: string
  readonly topicFilter: string
}

/**
 * Why `topicFilter`, plain or shared, is not valid, as "it ..."; undefined: it is valid.
 * `levelsMax` counts the levels after the share prefix.
 */
export function topicFilterProblem(topicFilter: string, levelsMax: number): string | undefined {
  const problem = lengthProblem(topicFilter)
  if (problem !== undefined) return problem
  if (topicFilter !== SHARE && !topicFilter.startsWith(SHARE_PREFIX))
    return levelsProblem(topicFilter, levelsMax)
  const share = parseShare(topicFilter)
  // [v5 MQTT-4.8.2-1] [v5 MQTT-4.8.2-2]
  if (share === undefined || share.topicFilter === '')
    return 'it has no topic filter after $share and share name'
  return shareNameProblem(share.shareName) ?? levelsProblem(share.topicFilter, levelsMax)
}

/** The parts of a shared topic filter that is valid; undefined: it is a plain one. */
export function parseShare(topicFilter: string): Share | undefined {
  if (!topicFilter.startsWith(SHARE_PREFIX)) return undefined
  const end = topicFilter.indexOf('/', SHARE_PREFIX.length)
  if (end === -1) return undefined
  return { shareName: topicFilter.slice(SHARE_PREFIX.length, end), topicFilter: topicFilter.slice(end + 1) }
}

/** A valid topic filter without the share prefix, if it has one. */
export const plainFilterOf = (topicFilter: string): string =>
  parseShare(topicFilter)?.topicFilter ?? topicFilter

/** Whether a valid filter contains a wildcard. */
export function isWildcard(topicFilter: string): boolean {
  return topicFilter.includes('+') || topicFilter.includes('#')
}

function shareNameProblem(shareName: string): string | undefined {
  // [v5 MQTT-4.8.2-1]
  if (shareName === '') return 'it has an empty share name'
  // [v5 MQTT-4.8.2-2]
  if (isWildcard(shareName)) return 'it has a wildcard character in its share name'
  return shareName.includes('\0') ? 'it contains U+0000' : undefined
}

function levelsProblem(topicFilter: string, levelsMax: number): string | undefined {
  let levels = 1
  for (let i = 0; i < topicFilter.length; i++) {
    const code = topicFilter.charCodeAt(i)
    if (code > CharCode.Separator) continue
    if (code === CharCode.Separator) {
      if (++levels > levelsMax) return `it has more than ${levelsMax} levels`
    } else if (code === CharCode.Hash) {
      // [v5 MQTT-4.7.1-1] [v3.1.1 MQTT-4.7.1-2]
      if (i !== topicFilter.length - 1) return 'it has a # that is not its last character'
      if (!beginsLevel(topicFilter, i)) return 'it has a # that is not alone in its level'
    } else if (code === CharCode.Plus) {
      // [v5 MQTT-4.7.1-2] [v3.1.1 MQTT-4.7.1-3]
      if (!beginsLevel(topicFilter, i) || !endsLevel(topicFilter, i)) {
        return 'it has a + that is not alone in its level'
      }
    } else if (code === CharCode.Null) {
      // [v5 MQTT-4.7.3-2] [v3.1.1 MQTT-4.7.3-2]
      return 'it contains U+0000'
    }
  }
  return undefined
}

const beginsLevel = (topicFilter: string, index: number): boolean =>
  index === 0 || topicFilter.charCodeAt(index - 1) === CharCode.Separator

const endsLevel = (topicFilter: string, index: number): boolean =>
  index === topicFilter.length - 1 || topicFilter.charCodeAt(index + 1) === CharCode.Separator
