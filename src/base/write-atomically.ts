// Writes a small file so that whoever reads it, also after a crash, sees the old one or the new one, and never half.
import { randomBytes } from 'node:crypto'
import { type FileHandle, open, realpath, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

const OWNER_ALONE = 0o600
const NOT_OTHERS = 0o770

/** A new file is its owner's alone; one that is replaced keeps its owner, and its mode except for everybody's. */
export async function writeAtomically(path: string, content: string): Promise<void> {
  const target = await realpath(path).catch(() => path) // A link stays one.
  const folder = dirname(target)
  const temporary = join(folder, `.${basename(target)}.${randomBytes(6).toString('hex')}`)
  const file = await open(temporary, 'wx', OWNER_ALONE)
  try {
    await adopt(file, target)
    await file.writeFile(content)
    await file.sync()
    await file.close()
    await rename(temporary, target)
  } catch (error) {
    await file.close().catch(() => {})
    await rm(temporary, { force: true })
    throw error
  }
  await syncFolder(folder)
}

async function adopt(file: FileHandle, target: string): Promise<void> {
  const old = await stat(target).catch(() => undefined)
  if (old === undefined || process.platform === 'win32') return
  const { uid, gid } = await file.stat()
  if (old.uid !== uid || old.gid !== gid) await file.chown(old.uid, old.gid)
  await file.chmod(old.mode & NOT_OTHERS)
}

/** The rename is on the disk. Windows has no such thing for folders. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
