import { fileURLToPath } from 'node:url'

/**
 * Where the build is that is tested: this checkout's `dist`, made by `npm run build` and `scripts/package`. `npm run figures`
 * measures that of another checkout, too, which it names by TESTED_DIST.
 */
export const dist = process.env.TESTED_DIST ?? fileURLToPath(new URL('../../../dist', import.meta.url))
