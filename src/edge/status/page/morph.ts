/**
 * Makes `from`, which is shown, like `to`, in place: scroll positions, focus, selections and opened details stay. `to` is
 * used up. `data-key` tells the children of an element apart that come, go and move.
 */
export function morph(from: ChildNode, to: ChildNode): void {
  if (from.isEqualNode(to)) return
  if (from instanceof Element && to instanceof Element && from.nodeName === to.nodeName) {
    morphAttributes(from, to)
    morphChildren(from, [...to.childNodes])
  } else if (from instanceof Text && to instanceof Text) {
    from.data = to.data
  } else {
    from.replaceWith(to)
  }
}

function morphAttributes(from: Element, to: Element): void {
  // Whether details are open is the reader's.
  for (const { name } of [...from.attributes]) {
    if (name !== 'open' && !to.hasAttribute(name)) from.removeAttribute(name)
  }
  for (const { name, value } of [...to.attributes]) {
    if (name !== 'open' && from.getAttribute(name) !== value) from.setAttribute(name, value)
  }
}

function morphChildren(parent: Element, wanted: readonly ChildNode[]): void {
  const wantedKeys = new Set(wanted.map(keyOf))
  const keyed = new Map<string, ChildNode>()
  for (const child of [...parent.children]) {
    const key = keyOf(child)
    if (key === undefined) continue
    if (wantedKeys.has(key)) keyed.set(key, child)
    else child.remove()
  }
  let place: ChildNode | null = parent.firstChild
  for (const child of wanted) {
    const key = keyOf(child)
    const match: ChildNode | null =
      key === undefined ? (keyOf(place) === undefined ? place : null) : (keyed.get(key) ?? null)
    if (match === null) {
      parent.insertBefore(child, place)
      continue
    }
    if (match !== place) parent.insertBefore(match, place)
    place = match.nextSibling
    morph(match, child)
  }
  while (place !== null) {
    const next: ChildNode | null = place.nextSibling
    place.remove()
    place = next
  }
}

function keyOf(node: ChildNode | null): string | undefined {
  return node instanceof HTMLElement ? node.dataset.key : undefined
}
