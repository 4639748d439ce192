import { fileURLToPath } from 'node:url'

/**
 * Where the build is that is tested: this checkout's `dist`, made by `npm run build` and `scripts/package`. `npm run figures`
 * measures that of another checkout, too, which it names by OMADA_HOST_DIST.
 */
export const dist = process.env.OMADA_HOST_DIST ?? fileURLToPath(new URL('../../../dist', import.meta.url))
