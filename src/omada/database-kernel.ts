import type { Fault } from '../core/errors.ts'
import { majorVersion } from './image-contract.ts'

/** The kernel of a machine: its release as /proc/sys/kernel/osrelease has it, and Go's name of the architecture. */
export interface Kernel {
  readonly kernel: string
  readonly architecture: string
}

/** What a configuration says of the controller's database. */
interface DatabaseChoice {
  readonly controller: { readonly image: string }
  readonly mongo: { readonly uri?: string | undefined }
}

/**
 * Whether the image's own MongoDB 8 crashes on this kernel, about every half minute: its memory allocator uses a thread's
 * rseq area in a way that Linux does not take any more since 6.19; on x86 7.0.14 takes it again. In a system container the
 * kernel is the one outside. Sources: google/tcmalloc#292, docker-library/mongo#762 and #765. False where a tag tells that
 * the image is of version 5, with MongoDB 3.6, or where the release cannot be read.
 */
export function crashesDatabase({ kernel, architecture }: Kernel, { controller, mongo }: DatabaseChoice): boolean {
  const [, major, minor, patch] = /^(\d{1,4})\.(\d{1,4})(?:\.(\d{1,6}))?/.exec(kernel) ?? []
  if (major === undefined || mongo.uri !== undefined || (majorVersion(controller.image) ?? 6) < 6) return false
  const release = [Number(major), Number(minor), Number(patch ?? 0)]
  return !isBefore(release, [6, 19, 0]) && (architecture !== 'amd64' || isBefore(release, [7, 0, 14]))
}

function isBefore(one: readonly number[], other: readonly number[]): boolean {
  const at = one.findIndex((number, index) => number !== other[index])
  return at >= 0 && (one[at] ?? 0) < (other[at] ?? 0)
}

/**
 * What keeps the database from crashing there: the C library registers the area for its threads, as it does by itself unless
 * mongod's start script forbids it. Builds of mongod that refuse by the kernel's version are not helped by it.
 */
export const kernelWorkaround = { GLIBC_TUNABLES: 'glibc.pthread.rseq=1' } as const

/** What is to be known on such a machine. */
export function kernelFault({ kernel }: Kernel, image: string): Fault {
  return {
    code: 'KERNEL_DATABASE',
    message: `MongoDB 8 in ${image} crashes on kernels like this one (${kernel}); omada-host works around that (GLIBC_TUNABLES in the container), which may not be enough`,
    remedy:
      'nothing, as long as the controller is ready; to be safe boot a kernel before 6.19, or on a PC from 7.0.14 on, or use a MongoDB on another machine (mongo.uri)',
  }
}
