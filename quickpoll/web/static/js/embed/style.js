// @ts-check
// The style of an element. What a page may set is a custom property, and each place is a part.

export const sheet = `
:host {
  --_ink: var(--quick-poll-text, light-dark(#1b1813, #f3efe5));
  --_soft: var(--quick-poll-soft-text, light-dark(#5d574c, #b4ac9c));
  --_sheet: var(--quick-poll-background, light-dark(#ffffff, #1d1a15));
  --_rule: var(--quick-poll-rule, light-dark(#d9d3c5, #37322a));
  --_edge: var(--quick-poll-border, light-dark(#847c6d, #8d8575));
  --_track: var(--quick-poll-track, light-dark(#ece7db, #2a261f));
  --_bar: var(--quick-poll-bar, light-dark(#857c6b, #8a8171));
  --_lead: var(--quick-poll-leading-bar, var(--_ink));
  --_accent: var(--quick-poll-accent, light-dark(#b92f17, #ff7758));
  --_on-accent: var(--quick-poll-on-accent, light-dark(#ffffff, #1a0c08));
  --_font: var(--quick-poll-font, "Helvetica Neue", Arial, system-ui, sans-serif);
  --_heading: var(--quick-poll-heading-font, Georgia, "Times New Roman", serif);
  --_radius: var(--quick-poll-radius, 2px);
  display: block;
  container-type: inline-size;
}
:host([hidden]), [hidden] { display: none !important; }
*, *::before, *::after { box-sizing: border-box; }
.poll { background: var(--_sheet); color: var(--_ink); font: 400 1rem/1.5 var(--_font); padding: var(--quick-poll-padding, 1.25rem); border-radius: var(--_radius); text-align: start; overflow-wrap: anywhere; }
h1, h2, h3, h4, h5, h6, p, ol, fieldset { margin: 0; padding: 0; }
fieldset { border: 0; min-width: 0; }
ol { list-style: none; }
.question { font: 600 clamp(1.375rem, 1.1rem + 2cqi, 2rem)/1.2 var(--_heading); margin: 0.4rem 0 1rem; text-wrap: balance; text-align: match-parent; }
[dir="auto"] { text-align: -webkit-match-parent; text-align: match-parent; }
.quiet, .rules, .folio { color: var(--_soft); font-size: 0.9375rem; }
.folio span:not(:empty) + span:not(:empty)::before { content: "· "; }
#status { font-weight: 700; color: var(--_ink); }
#status.is-open { color: var(--_accent); }
.rules { font-weight: 500; margin-bottom: 0.5rem; }
.figure { font-variant-numeric: tabular-nums lining-nums; }
:focus-visible { outline: 3px solid var(--_accent); outline-offset: 3px; }
[tabindex="-1"]:focus:not(:focus-visible) { outline: none; }
.option { display: grid; grid-template-columns: minmax(0, 1fr) auto; align-items: baseline; gap: 0.35rem 1rem; padding: 0.75rem 0; border-top: 1px solid var(--_rule); }
.option:first-child { border-top: 0; }
.option label { position: relative; display: flex; align-items: baseline; gap: 0.75rem; min-height: 2rem; cursor: pointer; }
.option-text { font-size: 1.125rem; line-height: 1.3; font-weight: 500; min-width: 0; unicode-bidi: isolate; }
.figures { display: flex; align-items: baseline; gap: 0.6rem; white-space: nowrap; }
.percent { font-size: 1.25rem; font-weight: 500; min-width: 2.2em; text-align: end; }
.count { order: -1; color: var(--_soft); font-size: 0.9375rem; }
.bar { grid-column: 1 / -1; height: 0.625rem; background: var(--_track); border-radius: var(--_radius); overflow: hidden; }
.fill { display: block; height: 100%; background: var(--_bar); transform: scaleX(var(--share, 0)); transform-origin: left; transition: transform 0.6s cubic-bezier(0.2, 0.7, 0.2, 1), background-color 0.6s; }
[dir="rtl"] .fill { transform-origin: right; }
.leading .fill { background: var(--_lead); }
.leading .percent { font-weight: 700; }
.mine .fill { background: var(--_accent); }
.option input { position: absolute; opacity: 0; width: 1.5rem; height: 1.5rem; margin: 0; cursor: pointer; }
.mark { flex: none; align-self: flex-start; width: 1.5rem; height: 1.5rem; border: 2px solid var(--_ink); border-radius: 50%; padding: 3px; }
[type="checkbox"] + .mark { border-radius: 2px; }
.mark::before { content: ""; display: block; width: 100%; height: 100%; border-radius: inherit; background: var(--_accent); transform: scale(0); transition: transform 0.15s; }
input:checked + .mark::before { transform: scale(1); }
.option input:focus-visible + .mark { outline: 3px solid var(--_accent); outline-offset: 3px; }
.option input:disabled, .fixed .option label { cursor: default; }
.fixed .option:not(.mine) .mark { border-color: var(--_rule); }
input:disabled:not(:checked) + .mark { border-color: var(--_edge); }
.own { flex: none; color: var(--_accent); font-size: 0.875rem; font-weight: 700; }
.own:empty { display: none; }
.actions { display: flex; flex-wrap: wrap; gap: 0.75rem; align-items: center; margin: 0.5rem 0; padding-top: 1rem; border-top: 1px solid var(--_ink); }
button { font: 600 0.9375rem/1.2 var(--_font); color: inherit; min-height: 2.75rem; padding: 0.5rem 1.1rem; border: 1.5px solid var(--_ink); border-radius: var(--_radius); background: transparent; cursor: pointer; }
.primary { background: var(--_accent); border-color: var(--_accent); color: var(--_on-accent); }
.plain:hover { background: var(--_track); }
[aria-disabled="true"] { opacity: 0.55; cursor: progress; }
.notice { margin: 0.5rem 0; padding: 0.5rem 0.9rem; border-inline-start: 4px solid var(--_accent); }
.notice-title { font: 600 1.0625rem/1.4 var(--_heading); }
.notice button { margin-top: 0.6rem; }
#only-you { margin: 0.5rem 0; padding-inline-start: 0.75rem; border-inline-start: 4px solid var(--_accent); }
.visually-hidden { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (prefers-reduced-motion: reduce) { *, *::before { transition-duration: 0.01ms !important; } }
@media (forced-colors: active) {
  .bar { border: 1px solid CanvasText; background: Canvas; forced-color-adjust: none; }
  .fill, .leading .fill { background: CanvasText; }
  .mine .fill, input:checked + .mark::before { background: Highlight; forced-color-adjust: none; }
}
@media print { .actions, .rules, .notice, .option input, .mark { display: none !important; } }
`;
