// What the operating system says of the broker under load: CPU time and memory of a process on this machine. Linux.
// Where the process is not named it is found by the port that it listens on.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** USER_HZ of Linux on every machine that Node runs on. */
const TICKS_PER_SECOND = 100
const LISTENING = '0A'

export interface BrokerFigures {
  /** User and system time of all threads. */
  readonly cpuMicroseconds: number
  readonly residentMiB: number
}

/** Undefined: there is no such process, or this is not Linux. */
export function brokerFigures(processId: number): BrokerFigures | undefined {
  try {
    const stat = readFileSync(`/proc/${processId}/stat`, 'latin1')
    // The name, which may hold anything, ends with the last parenthesis.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const ticks = Number(fields[11]) + Number(fields[12])
    const status = readFileSync(`/proc/${processId}/status`, 'latin1')
    const kibibytes = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1])
    return { cpuMicroseconds: (ticks / TICKS_PER_SECOND) * 1e6, residentMiB: kibibytes / 1024 }
  } catch {
    return undefined
  }
}

/** Who listens on the port here. Undefined: nobody whose files we may see. */
export function findListener(port: number): number | undefined {
  try {
    const sockets = new Set(listeningSockets(port))
    if (sockets.size === 0) return undefined
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .find((processId) => openFiles(processId).some((file) => sockets.has(file)))
  } catch {
    return undefined
  }
}

/** As their links in /proc/<pid>/fd read. */
function listeningSockets(port: number): string[] {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0')
  return ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) =>
    readFileSync(file, 'latin1')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, local, , state]) => state === LISTENING && local?.endsWith(`:${wanted}`) === true)
      .map((fields) => `socket:[${fields[9]}]`),
  )
}

function openFiles(processId: number): string[] {
  try {
    const folder = `/proc/${processId}/fd`
    return readdirSync(folder).map((name) => linkOf(`${folder}/${name}`))
  } catch {
    return []
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}
