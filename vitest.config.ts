import { availableParallelism } from 'node:os'
import { basename } from 'node:path'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Started first, longest first, where files run side by side: else the last one runs long and alone. */
const slowest = [
  'systemd-fence',
  'systemd-fleet',
  'systemd-docker',
  'systemd-poweroff',
  'systemd-start',
  'systemd-package',
  'systemd-install',
  'systemd-supervision',
  'systemd-repair',
  'systemd-stop',
  'systemd-disk',
  'systemd-two-hosts',
  'systemd-clock',
  'systemd-names',
  'systemd-network',
  'netcheck-network',
  'contents',
  'monitor',
].map((name) => `${name}.test.ts`)

class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const at = slowest.indexOf(basename(moduleId))
      return at < 0 ? slowest.length : at
    }
    const projects = Map.groupBy(await super.sort(files), ({ project }) => project)
    return [...projects.values()].flatMap((ofOne) => ofOne.sort((a, b) => rank(a) - rank(b)))
  }
}

/** Everything of these files is in namespaces of their own, so that they run side by side. They mostly wait. */
const apart = ['test/system/{systemd,netcheck,discovery,fence,reach,segments}-*.test.ts']

/** Vitest's own second is nothing on a busy machine. */
const expect = { poll: { timeout: 20_000 } }

export default defineConfig({
  test: {
    sequence: { sequencer: SlowestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          expect,
          include: ['test/**/*.test.ts'],
          exclude: ['test/system/**'],
          // Many of them wait, too; Vitest's own choice on two cores is one.
          maxWorkers: Math.max(3, availableParallelism() - 1),
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'system',
          expect,
          include: ['test/system/**/*.test.ts'],
          exclude: apart,
          // One machine and one kernel's container runtime: these files take turns.
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          name: 'host',
          expect,
          include: apart,
          maxWorkers: 4,
          sequence: { groupOrder: 1 },
          testTimeout: 180_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
})
