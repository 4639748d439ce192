import { expect, test } from 'vitest'
import { Html, html } from '../../src/core/html.ts'

test('a template escapes every value that is not its own', () => {
  expect(html`<a title="${`<>&"'`}">${['<b>', html`<i>${'&'}</i>`, 3, undefined, false]}</a>`.text).toBe(
    '<a title="&lt;&gt;&amp;&quot;&#39;">&lt;b&gt;<i>&amp;</i>3</a>',
  )
  expect(html`${new Html('<br>')}`.text).toBe('<br>')
})
