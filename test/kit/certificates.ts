// The certificates of certs/, made for a test: paths of files in a folder that goes with it.
import { join } from 'node:path'
import { type DevelopmentCa, makeCertificates } from '../../certs/make.ts'
import { temporaryFolder } from './temporary-folder.ts'

export interface Certificates {
  readonly folder: string
  readonly ca: DevelopmentCa
  /** Of a file in the folder, such as server.crt. */
  file(name: string): string
  /** Certificate and key by that name, as options of a listener's tls. */
  pair(name: string): { readonly certificate: string; readonly key: string }
}

export async function certificates(): Promise<Certificates> {
  const folder = await temporaryFolder()
  const ca = await makeCertificates(folder)
  const file = (name: string): string => join(folder, name)
  return {
    folder,
    ca,
    file,
    pair: (name) => ({ certificate: file(`${name}.crt`), key: file(`${name}.key`) }),
  }
}
