// Topics, client ids and file names with placeholders, as emqtt_bench has them.
//
//   %i  number of the client, from `startNumber` on      %u  user name
//   %c  client id                                        %s  number of the message, from 0

export interface PlaceholderValues {
  readonly number: number
  readonly clientId: string
  readonly userName: string
}

/** %s is left for each message. */
export function fillIn(template: string, { number, clientId, userName }: PlaceholderValues): string {
  return template.replace(/%[icu]/g, (name) => {
    if (name === '%i') return String(number)
    return name === '%c' ? clientId : userName
  })
}

export const dependsOnMessage = (template: string): boolean => template.includes('%s')

export const fillInSequence = (template: string, sequence: number): string =>
  template.replaceAll('%s', String(sequence))
