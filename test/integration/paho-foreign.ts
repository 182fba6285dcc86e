// Eclipse Paho, in C and in Python, as two of the clients of foreign-clients.test.ts.
import { execFile, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { DrivenProgram } from './driven-program.ts'
import type { ForeignClientKind } from './foreign-client.ts'

const sourceFile = join(import.meta.dirname, 'paho-client.c')
const pythonFile = join(import.meta.dirname, 'paho-client.py')

/** Debian's own, which sees Debian's packages; another one may come first on the PATH. */
const python = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3'

const succeeds = (command: string, ...args: string[]): boolean => spawnSync(command, args).status === 0

let compiled = ''

export const pahoC: ForeignClientKind = {
  name: 'Eclipse Paho for C',
  package: 'libpaho-mqtt-dev gcc libc6-dev',
  tellsSessionPresent: true,
  tellsPubackCodes: 'refusals',
  isInstalled: () => succeeds('cc', '-fsyntax-only', '-include', 'MQTTAsync.h', '-x', 'c', '/dev/null'),
  async prepare(folder) {
    compiled = join(folder, 'paho-client')
    const flags = ['-std=c11', '-O1', '-Wall', '-Wextra', '-Werror']
    await promisify(execFile)('cc', [...flags, '-o', compiled, sourceFile, '-lpaho-mqtt3a'])
  },
  connect: (port, options, whenOver) => new DrivenProgram([compiled], whenOver).connect(port, options),
}

export const pahoPython: ForeignClientKind = {
  name: 'Eclipse Paho for Python',
  package: 'python3-paho-mqtt',
  tellsSessionPresent: true,
  // Up to 1.6 its callback has only the packet id.
  tellsPubackCodes: 'none',
  isInstalled: () => succeeds(python, '-c', 'import paho.mqtt.client'),
  prepare: async () => {},
  connect: (port, options, whenOver) =>
    new DrivenProgram([python, pythonFile], whenOver).connect(port, options),
}
