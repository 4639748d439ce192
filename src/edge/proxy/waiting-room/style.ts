/** The waiting room's style sheet; inside the page, because while the controller is away there is nothing to load it from. */
export const style = `
:root { color-scheme: light dark; --page: #f3f5f7; --card: #fff; --text: #1b2530; --soft: #5a6876; --line: #d8dfe6;
  --accent: #0a7d62; --wrong: #b3261e; --wrong-soft: #fdf0ef; }
@media (prefers-color-scheme: dark) { :root { --page: #11161b; --card: #1a2128; --text: #e6ebf0; --soft: #9dabb8;
  --line: #323d48; --accent: #3ccfa7; --wrong: #ff9a91; --wrong-soft: #2f1d1d; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; min-height: 100dvh; display: grid; place-items: center; padding: 1rem;
  background: var(--page); color: var(--text); font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { width: 100%; max-width: 36rem; padding: clamp(1.25rem, 5vw, 2.25rem); background: var(--card);
  border: 1px solid var(--line); border-radius: .9rem; }
.product { margin: 0 0 .25rem; color: var(--soft); font-size: .9rem; }
h1 { margin: 0 0 1rem; font-size: clamp(1.35rem, 5vw, 1.7rem); line-height: 1.25; text-wrap: balance; }
.wrong h1 { color: var(--wrong); }
p, pre { margin: 0 0 1rem; overflow-wrap: anywhere; }
.reason { white-space: pre-wrap; }
.reason::first-letter { text-transform: uppercase; }
.remedy { padding: .75rem 1rem; border-left: .25rem solid var(--accent); background: var(--page); border-radius: .35rem; }
.wrong .remedy { border-color: var(--wrong); background: var(--wrong-soft); }
.remedy strong { display: block; }
.code { color: var(--soft); font: .85rem ui-monospace, Menlo, Consolas, monospace; }
ol { display: flex; gap: .5rem; list-style: none; margin: 0 0 1.5rem; padding: 0; font-size: .85rem; color: var(--soft); }
li { flex: 1; padding-top: .5rem; border-top: .25rem solid var(--line); }
li.done { border-color: var(--accent); }
li[aria-current] { border-color: var(--accent); border-top-style: dashed; color: var(--text); font-weight: 600; }
progress { display: block; width: 100%; height: .8rem; margin: 0 0 .5rem; appearance: none; border: 0;
  border-radius: .4rem; overflow: hidden; background: var(--line); accent-color: var(--accent); }
progress::-webkit-progress-bar { background: var(--line); }
progress::-webkit-progress-value { background: var(--accent); }
progress::-moz-progress-bar { background: var(--accent); }
progress:indeterminate, progress:indeterminate::-webkit-progress-bar {
  background: repeating-linear-gradient(135deg, var(--accent) 0 .5rem, var(--line) .5rem 1rem); }
.figures { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1rem; font-variant-numeric: tabular-nums; }
.image { color: var(--soft); font-size: .85rem; }
footer { margin-top: 1.5rem; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--soft); font-size: .875rem; }
footer p { margin: 0; }
footer a { display: inline-block; padding-top: .6rem; }
a { color: var(--accent); }
`
