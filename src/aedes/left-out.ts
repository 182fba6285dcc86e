// What an import does not take over, by reason: nothing is left behind in silence. Counted by values.ts and
// session-reader.ts, told by cli/import-aedes.ts.

export class LeftOut {
  readonly byReason = new Map<string, number>()

  /** `reason` names the thing in the plural: "retained messages whose topic name is not valid". */
  count(reason: string, howMany = 1): undefined {
    this.byReason.set(reason, (this.byReason.get(reason) ?? 0) + howMany)
  }
}
