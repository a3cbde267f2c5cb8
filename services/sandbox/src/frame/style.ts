/** The sandbox's one style sheet: light and dark, readable at any width, no script and no font to fetch. */
export const STYLE = `
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5b6675; --line: #dfe4ea; --paper: #f6f7f9; --card: #fff; --link: #1f5fbf;
  --go: #14653a; --go-bg: #dff3e6; --stop: #8f1f2b; --stop-bg: #fbe3e5; --wait: #7a5200; --wait-bg: #fdf0d2; --none: #4b5563; --none-bg: #e8ebef; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7eaf0; --soft: #a3adba; --line: #323a46; --paper: #14181e; --card: #1c222b; --link: #8ab4f8;
  --go: #8fe0b0; --go-bg: #143525; --stop: #ffb1b8; --stop-bg: #451a20; --wait: #f5cf80; --wait-bg: #3d2f0d; --none: #c3cad4; --none-bg: #2c343f; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
a { color: var(--link); }
.top { display: flex; flex-wrap: wrap; gap: 0 1.5rem; align-items: baseline; justify-content: space-between; padding: .9rem 1.5rem; border-bottom: 1px solid var(--line); background: var(--card); }
.top h1 { margin: 0; font-size: 1.15rem; } .top h1 a { color: inherit; text-decoration: none; } .top p { margin: 0; color: var(--soft); font-size: .9rem; }
main { max-width: 70rem; margin: 0 auto; padding: 1rem 1.5rem 3rem; }
.lead { color: var(--soft); max-width: 46rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1rem 1.25rem 1.25rem; margin: 1.25rem 0; }
section header { display: flex; flex-wrap: wrap; gap: .75rem; align-items: center; }
h2 { margin: 0; font-size: 1.2rem; } h3 { margin: 1.25rem 0 .5rem; font-size: .95rem; color: var(--soft); }
.about { margin: .25rem 0 .75rem; color: var(--soft); }
dl { display: flex; flex-wrap: wrap; gap: .5rem 2rem; margin: 0; } dl div { min-width: 6rem; }
dt { color: var(--soft); font-size: .85rem; } dd { margin: 0; font-size: 1.3rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; min-width: 40rem; font-size: .92rem; }
th { text-align: left; color: var(--soft); font-weight: 600; } th, td { padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td { font-variant-numeric: tabular-nums; overflow-wrap: anywhere; min-width: 4rem; }
.badge { display: inline-block; padding: .05rem .5rem; border-radius: 1rem; font-size: .85rem; white-space: nowrap; }
.go { color: var(--go); background: var(--go-bg); } .stop { color: var(--stop); background: var(--stop-bg); }
.wait { color: var(--wait); background: var(--wait-bg); } .none { color: var(--none); background: var(--none-bg); }
.empty { color: var(--soft); }
.finder { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; margin: 1rem 0; }
.finder input { flex: 1 1 14rem; max-width: 24rem; } .finder input, .finder button { font: inherit; padding: .4rem .7rem; border-radius: 6px; border: 1px solid var(--soft); background: var(--card); color: inherit; }
.finder button { background: var(--link); border-color: var(--link); color: var(--card); cursor: pointer; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
`
