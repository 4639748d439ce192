import { encodeFrame } from '../../omada/frame.ts'

/** A JSON string and, when it is an object's key, the colon behind it. */
const jsonString = /"((?:[^"\\]|\\.)*)"(\s*:)?/gs

/**
 * Replaces the container's address by one that devices can reach, in every string value of a frame's JSON that is this
 * address or contains it as in a URL, `host:port` or a list. Works on the text, so that everything else (numbers too
 * long for JavaScript, the order of keys, white space) stays byte for byte. Keys are left alone.
 *
 * @returns the new frame with its length corrected, or undefined when the address is not named
 */
export function rewriteAddress(
  json: string,
  replace: { readonly from: string; readonly to: string },
): Buffer | undefined {
  if (!json.includes(replace.from)) return undefined
  const address = addressPattern(replace.from)
  const rewritten = json.replace(jsonString, (whole: string, value: string, colon: string | undefined) =>
    colon === undefined ? `"${value.replace(address, replace.to)}"` : whole,
  )
  return rewritten === json ? undefined : encodeFrame(rewritten)
}

/**
 * The address where it stands by itself: not within a longer address, name or number. A letter before it makes it part
 * of a name, unless the letter belongs to an escape such as `\n`.
 */
function addressPattern(address: string): RegExp {
  const literal = address.replaceAll('.', '\\.')
  return new RegExp(`(?:(?<![\\w.-])|(?<=(?<!\\\\)\\\\[bfnrt]))${literal}(?![\\w-]|\\.\\w)`, 'g')
}
