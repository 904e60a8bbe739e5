// What the page puts in scope of a widget's script, for tsc only: no page loads this file.

interface ParentNode {
  /** What a selector finds is a part of a widget. */
  querySelector(selector: string): Part;
  querySelectorAll(selector: string): NodeListOf<Part>;
}

/** An element of a widget's template as picture, field, sound and canvas in one, so that scripts
 * need not say which it is. */
interface Part extends HTMLElement {
  alt: string;
  autoplay: boolean;
  checked: boolean;
  currentTime: number;
  disabled: boolean;
  download: string;
  height: number;
  href: string;
  loop: boolean;
  max: any;
  naturalHeight: number;
  naturalWidth: number;
  onload: () => void;
  paused: boolean;
  ended: boolean;
  placeholder: string;
  poster: string;
  src: string;
  value: any;
  width: number;
  getContext(kind: "2d"): CanvasRenderingContext2D;
  load(): void;
  pause(): void;
  play(): Promise<void>;
  select(): void;
}

type Pen = CanvasRenderingContext2D;

interface Document {
  /** The visitor's run of each task as live.js was last told of it. */
  abpLive: Record<string, Run | null>;
}
/** See demo/live.py. */
interface Run {
  task: string;
  number: number;
  token: string;
  stage: Stage;
  curves?: Curves;
  columns?: Column[];
}
interface Stage {
  phase: string;
  headline: string;
  detail: string;
  progress: number;
  kind: string;
  frames: number[];
  panels: Panel[];
}
interface Panel {
  caption: string;
  picture: string;
  sound: string;
  film?: string;
  still?: string;
  loop?: boolean;
}
interface Curves {
  iterations: number[];
  errors: number[];
  latents: number[];
  priors: (number | null)[];
  title?: [string, string];
}
/** See demo/runs/columns.py; no pictures where they are those of before. */
interface Column {
  name: string;
  drawn: number;
  pictures: { new: Panel; rebuilt: Panel; shown: Panel[] };
  begun: boolean;
  iteration: number;
  seconds: number;
  rate: number;
  parameters: number;
  megabytes: number;
  curve: [number, number][];
  status: string;
  why_not: string;
  figures: Record<string, number | null>;
  energies: [title: string, energy: number][];
}
/** What was compared before. */
interface Before {
  kind: string;
  label: string;
  columns: Column[];
}
/** See demo/compare/service.py. */
interface Method {
  name: string;
  title: string;
  sentence: string;
  equation: string;
  source: string;
  curve: string;
  can: string[];
  not_for: Record<string, string>;
}
interface Card {
  kind: string;
  name: string;
  label: string;
  picture: string;
  sound: string;
  film?: string;
  facts?: string;
  credit?: string;
}

/** Where the widget is on the page. */
declare const element: HTMLElement;
/** Its value, and what else Python hands over; a value that is set is Python's at the next event. */
declare const props: { value: any; [name: string]: any };
/** The Python functions that it may call. */
declare const server: { [name: string]: (sent: object) => Promise<any> };
/** Tells Python of an event. */
declare function trigger(event: string): void;
/** Calls back when Python has set the property. */
declare function watch(name: string, changed: () => void): void;
