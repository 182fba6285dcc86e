// The clients of one process: connects them at a rate, has them publish, counts. Driven by generator-process.ts.
//
//   connect -> start -> stop -> end            each may be asked for when the one before has resolved
//      ^_____________________| (drop, connect again)
import { setTimeout as pause } from 'node:timers/promises'
import { LoadContext } from './load-context.ts'
import { LoadCounter, type LoadFigures } from './load-figures.ts'
import { LoadMember } from './load-member.ts'
import type { LoadPublisher } from './load-publisher.ts'
import { Pace } from './pace.ts'
import type { ClientGroup, RunPlan } from './run-plan.ts'

/** What one process has of a plan: the clients [from, to) of each group, by the group's place. */
export interface Share {
  readonly plan: RunPlan
  readonly ranges: readonly { readonly from: number; readonly to: number }[]
}

/** How often what is due is looked for. */
const TICK_MS = 1
/** Publishers are numbered group by group. */
const NUMBERS_OF_GROUP = 10_000_000

export class Generator {
  readonly #share: Share
  readonly #context = new LoadContext()
  readonly #counter = new LoadCounter()
  readonly #members = new Map<string, LoadMember[]>()
  readonly #publishers = new Map<number, LoadPublisher>()
  #unsettled = 0
  #allSettled: () => void = () => {}
  #paces: Pace[] = []
  #ticker: NodeJS.Timeout | undefined

  constructor(share: Share) {
    this.#share = share
    share.plan.groups.forEach((group, place) => {
      const { from, to } = share.ranges[place] ?? { from: 0, to: 0 }
      const members: LoadMember[] = []
      for (let i = from; i < to; i++) members.push(this.#makeMember(group, place, i))
      this.#members.set(group.name, members)
    })
  }

  #makeMember(group: ClientGroup, place: number, index: number): LoadMember {
    const publisherNumber = place * NUMBERS_OF_GROUP + index
    const member = new LoadMember({
      context: this.#context,
      counter: this.#counter,
      target: this.#share.plan.target,
      group,
      number: group.startNumber + index,
      publisherNumber,
      onSettled: () => {
        if (--this.#unsettled === 0) this.#allSettled()
      },
      onArrived: (publisher, now) => this.#publishers.get(publisher)?.arrived(now),
    })
    if (member.publisher !== undefined) this.#publishers.set(publisherNumber, member.publisher)
    return member
  }

  figures(): LoadFigures {
    return this.#counter.figures()
  }

  /** Latencies are counted from here on. */
  clearLatencies(): void {
    this.#counter.clearLatencies()
  }

  /** `rate`: CONNECTs a second. Resolves when each client of the groups is connected and subscribed, or can't be. */
  async connect(groups: readonly string[], rate: number): Promise<void> {
    const members = this.#membersOf(groups)
    const settled = new Promise<void>((resolve) => {
      this.#allSettled = resolve
    })
    this.#unsettled = members.length
    if (members.length === 0) return
    const startedAt = performance.now()
    for (let next = 0; next < members.length; ) {
      const due = Math.ceil(((performance.now() - startedAt + TICK_MS) / 1000) * rate)
      for (; next < Math.min(due, members.length); next++) members[next]?.connect()
      if (next < members.length) await pause(TICK_MS)
    }
    await settled
  }

  /** Publishers of the groups begin, spread over the time between two messages. */
  start(groups: readonly string[]): void {
    const now = this.#context.microseconds()
    for (const { name, publish } of this.#share.plan.groups) {
      if (publish === undefined || !groups.includes(name)) continue
      const publishers = this.#membersOf([name]).flatMap(({ publisher }) => publisher ?? [])
      this.#paces.push(new Pace(publishers, publish.rate > 0 ? 1e6 / publish.rate : 0, now))
    }
    this.#ticker ??= setInterval(() => this.#tick(), TICK_MS)
    this.#tick()
  }

  #tick(): void {
    const now = this.#context.microseconds()
    for (const pace of this.#paces) pace.pump(now)
  }

  get isDone(): boolean {
    for (const publisher of this.#publishers.values()) if (!publisher.isDone) return false
    return true
  }

  stop(): void {
    clearInterval(this.#ticker)
    this.#ticker = undefined
    this.#paces = []
    for (const publisher of this.#publishers.values()) publisher.stop()
  }

  /** Connections end, with a farewell or without. */
  end(groups: readonly string[], withFarewell: boolean): void {
    for (const member of this.#membersOf(groups)) {
      if (withFarewell) member.end()
      else member.drop()
    }
  }

  /** Clients that did not read begin to. */
  readOn(groups: readonly string[]): void {
    for (const { client } of this.#membersOf(groups)) client.readOn()
  }

  #membersOf(groups: readonly string[]): LoadMember[] {
    return groups.flatMap((name) => this.#members.get(name) ?? [])
  }
}
