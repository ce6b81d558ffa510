/** The report's look: one accent with a meaning (what was federated), the rest quiet. */

export const style = `
:root { --ink: #1b1f24; --quiet: #5b6570; --paper: #fbfbfa; --card: #ffffff; --line: #dfe2e6; --accent: #0b6e5f; --other: #8a94a0; --s2: #b3541e; --s3: #3a5fa8; --s4: #8c4a86; --s5: #937000; --s6: #4d4d4d }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e7eaee; --quiet: #9ba6b2; --paper: #14171a; --card: #1b1f24; --line: #323941; --accent: #4cc7b0; --other: #7c8894; --s2: #f0955a; --s3: #86abf0; --s4: #d592ce; --s5: #d9b84a; --s6: #c4c4c4 }
}
* { box-sizing: border-box }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 62rem; background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif }
h1 { margin: 0; font-size: 1.9rem; line-height: 1.2 }
h2 { margin: 2.5rem 0 .5rem; font-size: 1.2rem }
.kind { margin: 0; color: var(--quiet); font-size: .85rem }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(12rem, 1fr)); gap: 1rem; margin: 1.5rem 0 }
.tile { display: flex; flex-direction: column; padding: 1rem; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; color: var(--quiet) }
.tile .figure { color: var(--ink); font-size: 2rem; font-variant-numeric: tabular-nums }
.tile.main { border-color: var(--accent) } .tile.main .figure { color: var(--accent) }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); gap: 1rem }
figure { margin: 0; padding: 1rem; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; break-inside: avoid }
figcaption { display: flex; flex-direction: column; margin-bottom: .5rem } figcaption span { color: var(--quiet); font-size: .85rem }
figure svg { display: block; width: 100%; height: auto; max-width: 30rem; color: var(--ink) }
.scroll { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); text-align: left; font-weight: 400; white-space: nowrap }
thead th { color: var(--quiet); font-size: .85rem }
.quiet { color: var(--quiet) }
.legend i.dashed { background: repeating-linear-gradient(90deg, var(--colour) 0 .2rem, transparent .2rem .3rem) }
.wrap { display: inline-block; min-width: 9rem; max-width: 16rem; white-space: normal }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin: .5rem 0 0; padding: 0; list-style: none; font-size: .85rem }
.legend i { display: inline-block; width: .8rem; height: .8rem; margin-right: .35rem; border-radius: .2rem; vertical-align: -.1rem; background: var(--colour); print-color-adjust: exact; -webkit-print-color-adjust: exact }
dt { color: var(--quiet); font-size: .85rem } dd { margin: 0 0 .75rem } code { overflow-wrap: anywhere; font-size: .85rem }
@media print { :root { --paper: #fff; --card: #fff; --ink: #000; --quiet: #444; --line: #bbb; --accent: #0b6e5f; --other: #777; --s2: #b3541e; --s3: #3a5fa8; --s4: #8c4a86; --s5: #937000; --s6: #4d4d4d } body { padding: 0 } .scroll { overflow: visible } th, td { white-space: normal; padding-right: .4rem; font-size: .8rem } .wrap { min-width: 0 } }
`
