// What it means that a topic filter matches a topic name, as section 4.7 of both specifications puts it and nothing
// more: slow and plain, the yardstick for everything in src/topic.

export function matches(topicFilter: string, topicName: string): boolean {
  const filterLevels = topicFilter.split('/')
  const nameLevels = topicName.split('/')
  // [v5 MQTT-4.7.2-1]
  if (topicName.startsWith('$') && (filterLevels[0] === '+' || filterLevels[0] === '#')) return false
  if (filterLevels.at(-1) === '#') {
    // # stands for the parent level and any number of levels below it.
    filterLevels.pop()
    if (nameLevels.length < filterLevels.length) return false
    nameLevels.length = filterLevels.length
  }
  if (nameLevels.length !== filterLevels.length) return false
  return filterLevels.every((level, i) => level === '+' || level === nameLevels[i])
}
