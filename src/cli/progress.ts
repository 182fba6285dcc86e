// One line on a terminal that says how far a long piece of work has come; nothing anywhere else.

const TELL_EVERY_MS = 200

export class Progress {
  readonly #terminal = process.stderr
  #toldAt = performance.now()

  /** Called as often as one likes. */
  tell(line: () => string): void {
    if (!this.#terminal.isTTY || performance.now() - this.#toldAt < TELL_EVERY_MS) return
    this.#toldAt = performance.now()
    this.clear()
    this.#terminal.write(line())
  }

  clear(): void {
    if (!this.#terminal.isTTY) return
    this.#terminal.cursorTo(0)
    this.#terminal.clearLine(1)
  }
}
