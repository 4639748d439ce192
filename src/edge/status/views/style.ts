/** The page's style sheet. Colours of text and marks have a contrast of 4.5 or more on what is behind them. */
export const style = `
:root {
  color-scheme: light dark;
  --back: #f4f6f8; --card: #fff; --text: #1a1e23; --muted: #545d68; --line: #d5dbe1; --link: #0b57d0;
  --good: #136c3a; --busy: #855000; --bad: #b3261e; --idle: #545d68;
  --good-back: #e8f5ec; --busy-back: #fdf3e1; --bad-back: #fdeceb; --idle-back: #eceff2;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #121519; --card: #1b1f25; --text: #e6e9ed; --muted: #a3acb7; --line: #343b44; --link: #8ab4f8;
    --good: #6fd08c; --busy: #f0b95a; --bad: #ff9a90; --idle: #a3acb7;
    --good-back: #17291d; --busy-back: #2d2413; --bad-back: #331c1a; --idle-back: #23282f;
  }
}
.good { --tone: var(--good); --tone-back: var(--good-back); }
.busy { --tone: var(--busy); --tone-back: var(--busy-back); }
.bad { --tone: var(--bad); --tone-back: var(--bad-back); }
.idle { --tone: var(--idle); --tone-back: var(--idle-back); }
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body { margin: 0; background: var(--back); color: var(--text); font: 1rem/1.5 system-ui, sans-serif;
  overflow-wrap: anywhere; }
header, main { max-width: 76rem; margin: 0 auto; padding: 0 1rem; }
header { display: flex; flex-wrap: wrap; align-items: center; gap: .25rem 1.25rem; padding-block: .9rem; }
header p { margin: 0; font-weight: 600; }
nav { flex: 1 1 auto; }
nav ul { display: flex; flex-wrap: wrap; gap: 0 1rem; margin: 0; padding: 0; list-style: none; }
nav a { display: inline-block; padding: .3rem 0; color: var(--muted); text-decoration: none; }
a { color: var(--link); }
a:hover { text-decoration: underline; }
a.open { padding: .35rem .9rem; border: 1px solid var(--line); border-radius: .4rem; background: var(--card);
  text-decoration: none; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.skip { position: absolute; left: -100rem; }
.skip:focus { left: 1rem; top: .5rem; padding: .5rem; background: var(--card); }
.live { color: var(--muted); font-size: .875rem; }
.live.lost { color: var(--bad); font-weight: 600; }
main { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 1rem; padding-bottom: 2rem; }
main > section { min-width: 0; }
.phase, .warnings, #devices, #ports { grid-column: 1 / -1; }
.card, .phase { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: 1rem 1.25rem; }
.phase { background: var(--tone-back); border-color: var(--tone); padding: 1.25rem; }
h1 { display: flex; align-items: center; gap: .6rem; margin: 0; font-size: 2rem; line-height: 1.2; color: var(--tone); }
h2 { margin: 0 0 .6rem; font-size: 1.125rem; }
p, ul, ol, dl { margin: 0; }
ul, ol { padding: 0; list-style: none; }
.mark { color: var(--tone); font-weight: 700; }
h1 .mark { flex: none; width: 1.3em; text-align: center; border: 2px solid; border-radius: 50%; line-height: 1.2em; }
h2 .mark { margin-right: .5rem; color: var(--busy); }
.reason { margin-top: .6rem; font-size: 1.125rem; }
.remedy { display: block; }
.reason .remedy { font-size: 1rem; }
code { font: .875em ui-monospace, monospace; }
.remedy code { color: var(--muted); }
.facts { display: flex; flex-wrap: wrap; gap: 0 1.5rem; margin-top: .75rem; color: var(--muted); font-size: .9375rem; }
.facts b { font-weight: 600; }
.pull { margin-top: .9rem; }
progress { width: 100%; height: .8rem; accent-color: var(--tone); }
.warnings { border-color: var(--busy); }
.warnings li + li, .failures li { margin-top: .6rem; }
.empty, .summary, .count, .since, .detail, small, dt, nav a { color: var(--muted); }
.summary { margin-bottom: .6rem; }
.count { font-weight: 400; }
.conditions > li { display: flex; gap: .7rem; padding: .5rem 0; }
.conditions > li + li { border-top: 1px solid var(--line); }
.conditions .mark { flex: none; width: 1.2em; text-align: center; }
.conditions .state { color: var(--tone); font-weight: 600; }
.since, .detail { font-size: .875rem; }
.condition > div { min-width: 0; }
summary { cursor: pointer; color: var(--link); padding: .25rem 0; }
dl > div { display: flex; justify-content: space-between; gap: 1rem; padding: .35rem 0; }
dl > div + div { border-top: 1px solid var(--line); }
dt { flex: none; max-width: 60%; overflow-wrap: normal; }
dd { margin: 0; text-align: right; }
.outcomes dd { flex: none; font-variant-numeric: tabular-nums; }
.outcomes dt { flex: 1; max-width: none; color: var(--text); }
#discovery { align-self: start; }
small { display: block; font-size: .8125rem; }
small.hint { color: var(--text); }
.history li { display: flex; gap: 1rem; padding: .35rem 0; }
.history li + li { border-top: 1px solid var(--line); }
.history time { flex: none; color: var(--muted); font-size: .875rem; font-variant-numeric: tabular-nums; }
.scroll { overflow: auto; }
.scroll.long { max-height: 40rem; }
table { width: 100%; border-collapse: collapse; font-size: .9375rem; overflow-wrap: break-word; }
th, td { padding: .45rem .75rem .45rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
tbody th { min-width: 9rem; font-weight: 600; overflow-wrap: anywhere; }
tbody th small { font-weight: 400; }
thead th { position: sticky; top: 0; z-index: 1; background: var(--card); color: var(--muted); font-weight: 500;
  font-size: .8125rem; }
.figure { text-align: right; font-variant-numeric: tabular-nums; }
.figure, .brief, .mac { white-space: nowrap; }
thead th { white-space: nowrap; }
td small.hint { min-width: 14rem; }
.pair { display: flex; gap: .45rem; }
@media (max-width: 60rem) { main { grid-template-columns: minmax(0, 1fr); } }
@media (max-width: 58rem) {
  .scroll.long { max-height: 85vh; }
  table, tbody, tr, th, td { display: block; }
  thead { position: absolute; left: -100rem; }
  table { overflow-wrap: anywhere; }
  tbody tr { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 0 1.25rem; padding: .6rem 0;
    border-bottom: 1px solid var(--line); }
  th, td { grid-column: 1 / -1; }
  th, td { min-width: 0; padding: .15rem 0; border: 0; }
  td { display: grid; grid-template-columns: 7.5rem minmax(0, 1fr); gap: 0 .5rem; text-align: left; }
  td > * { grid-column: 2; }
  td::before { content: attr(data-label); grid-column: 1; grid-row: 1; color: var(--muted); font-size: .875rem; }
  td.figure { grid-column: auto; grid-template-columns: minmax(0, 1fr) auto; text-align: right; }
  td.figure::before { text-align: left; }
  td small.hint { min-width: 0; }
  .history li { display: block; }
}
`
