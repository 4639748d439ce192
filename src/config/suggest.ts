import { distance } from 'fastest-levenshtein'

/** The word of `candidates` that `word` was probably meant to be; undefined when none is near. */
export function closest(word: string, candidates: readonly string[]): string | undefined {
  const plain = comparable(word)
  // Two slips in a word of seven; a long text is no misspelt name.
  const limit = Math.min(3, Math.max(1, Math.floor(plain.length / 3)))
  if (plain.length > 64) return undefined
  return candidates
    .map((candidate) => ({ candidate, slips: distance(plain, comparable(candidate)) }))
    .filter(({ slips }) => slips <= limit)
    .sort((a, b) => a.slips - b.slips)[0]?.candidate
}

/** `stop_grace-seconds` and `stopGraceSeconds` are the same slip. */
function comparable(word: string): string {
  return word.toLowerCase().replace(/[_-]/g, '')
}
