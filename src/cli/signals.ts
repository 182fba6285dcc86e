// SIGTERM and SIGINT: the first stops the broker in an orderly way, a second one does not wait for that.

/** `npm start` hands on a Ctrl-C that the terminal has sent to us already: within this time both are one. */
const SAME_KEY_MS = 100
const EXIT_IMPATIENT = 1
const LOOK_FOR_NPM_MS = 250

/** Resolves with the first signal; from then on the next one ends the process at once. */
export function firstSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let firstAt: number | undefined
    const onSignal = (signal: NodeJS.Signals): void => {
      if (firstAt === undefined) {
        firstAt = performance.now()
        resolve(signal)
      } else if (performance.now() - firstAt > SAME_KEY_MS) process.exit(EXIT_IMPATIENT)
    }
    process.on('SIGTERM', onSignal)
    process.on('SIGINT', onSignal)
    whenNpmIsGone(() => onSignal('SIGTERM'))
  })
}

/** The shell between `npm start` and us ends at a SIGTERM and does not hand it on: we would serve on, unseen. */
function whenNpmIsGone(stop: () => void): void {
  if (process.env.npm_lifecycle_event === undefined) return
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    stop()
  }, LOOK_FOR_NPM_MS)
  timer.unref()
}
