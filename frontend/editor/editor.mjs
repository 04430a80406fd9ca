// The text editor of the document. The page loads it when it is first shown.
//
// It has no history of its own: undo is the page's, for the form and the text.

import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import {
  bracketMatching, foldGutter, foldKeymap, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting,
} from "@codemirror/language";
import { lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { Annotation, Compartment, EditorState } from "@codemirror/state";
import {
  drawSelection, EditorView, highlightActiveLine, hoverTooltip, keymap, lineNumbers, rectangularSelection,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";

// Marks a text that is from the page, not typed.
const fromPage = Annotation.define();

// The page's colours; its custom properties reach into the shadow root.
const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--code-key)" },
  { tag: tags.string, color: "var(--code-text)" },
  { tag: [tags.comment, tags.separator, tags.punctuation], color: "var(--faint)" },
]);
const tint = (percent) => `color-mix(in srgb, var(--accent) ${percent}%, transparent)`;
const theme = EditorView.theme({
  "&": { height: "100%", backgroundColor: "var(--surface)", color: "var(--text)", fontSize: "var(--small)" },
  "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "-2px" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "18px" },
  ".cm-content": { caretColor: "var(--text)" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-gutters": { backgroundColor: "var(--ground)", borderRightColor: "var(--line)", color: "var(--faint)" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: tint(7) },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: tint(25),
  },
  ".cm-selectionMatch": { backgroundColor: tint(14) },
  ".cm-foldPlaceholder": { backgroundColor: "var(--sunken)", borderColor: "var(--line)", color: "var(--muted)" },
  ".cm-tooltip, .cm-panels": {
    backgroundColor: "var(--raised)", border: "1px solid var(--line)", color: "var(--text)", fontFamily: "var(--sans)",
  },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": { backgroundColor: "var(--accent)", color: "var(--accent-text)" },
  ".cm-completionInfo, .help": { maxWidth: "48ch", padding: "6px 10px", fontFamily: "var(--sans)" },
  ".help p": { margin: "4px 0 0" },
  ".cm-button, .cm-textfield": { backgroundImage: "none", backgroundColor: "var(--surface)", color: "var(--text)" },
});

const element = (tag, ...children) => {
  const created = document.createElement(tag);
  created.append(...children);
  return created;
};

// Opens an editor in an element. `page` has the functions `changed(text)`, `suggest(before)` and `help(before, after)`,
// of the text before a position and the rest of its line; the last two return JSON, or null.
export function open(parent, text, page) {
  const suggest = (context) => {
    const before = context.state.sliceDoc(0, context.pos);
    const json = page.suggest(before);
    if (!json) return null;
    const { typed, options } = JSON.parse(json);
    // Not at the start of a line, where Enter would take a suggestion instead of starting a new line.
    if (!options.length || !(typed || context.explicit || /[-:] +$/.test(before))) return null;
    const info = ({ info, ...option }) => (info ? { ...option, info } : option);
    return { from: context.pos - typed, options: options.map(info), validFor: /^[\w.\/-]*$/ };
  };
  const help = hoverTooltip((view, at) => {
    const json = page.help(view.state.sliceDoc(0, at), view.state.sliceDoc(at, view.state.doc.lineAt(at).to));
    if (!json) return null;
    const [path, description] = JSON.parse(json);
    const dom = element("div", element("code", path), element("p", description));
    dom.className = "help";
    return { pos: at, create: () => ({ dom }) };
  });
  const lock = new Compartment();
  const state = EditorState.create({
    doc: text,
    extensions: [
      lineNumbers(), foldGutter(), lintGutter(), drawSelection(), rectangularSelection(), indentOnInput(),
      bracketMatching(), closeBrackets(), highlightActiveLine(), highlightSelectionMatches(),
      indentUnit.of("  "), EditorState.tabSize.of(2),
      theme, yaml(), syntaxHighlighting(colours), autocompletion({ override: [suggest] }), help,
      keymap.of([...closeBracketsKeymap, ...completionKeymap, ...searchKeymap, ...foldKeymap, ...lintKeymap, ...defaultKeymap]),
      lock.of(EditorState.readOnly.of(true)),
      EditorView.contentAttributes.of({ "aria-label": "Text of the document" }),
      EditorView.updateListener.of((update) => {
        const isTyped = update.transactions.some((one) => one.docChanged && !one.annotation(fromPage));
        if (isTyped) page.changed(update.state.doc.toString());
      }),
    ],
  });
  // In a shadow root the editor adopts its styles; elsewhere it would write an element, which the page's policy forbids.
  const root = parent.attachShadow({ mode: "open" });
  const view = new EditorView({ state, parent: root, root });
  return {
    // Replaces the text where it differs, so that the cursor stays.
    set(next) {
      const now = view.state.doc.toString();
      if (now === next) return;
      let from = 0;
      const shorter = Math.min(now.length, next.length);
      while (from < shorter && now[from] === next[from]) from++;
      let end = 0;
      while (end < shorter - from && now[now.length - 1 - end] === next[next.length - 1 - end]) end++;
      view.dispatch({
        changes: { from, to: now.length - end, insert: next.slice(from, next.length - end) },
        annotations: fromPage.of(true),
      });
    },
    // Whether nothing can be typed.
    lock(isLocked) {
      if (view.state.readOnly !== isLocked) {
        view.dispatch({ effects: lock.reconfigure(EditorState.readOnly.of(isLocked)) });
      }
    },
    // Shows findings: a JSON list of `{line, severity, message}`; a line may be behind the end of the text.
    mark(json) {
      const { doc } = view.state;
      const diagnostics = JSON.parse(json).filter(({ line }) => line <= doc.lines).map(({ line, severity, message }) => {
        const { from, to, text } = doc.line(line);
        return { from: Math.min(from + text.search(/\S|$/), to), to, severity, message };
      });
      view.dispatch(setDiagnostics(view.state, diagnostics));
    },
    close() {
      view.destroy();
    },
  };
}
