// Which methods are to be compared: value {chosen}. Those that cannot take data of the kind, of which
// the document's event "abp-kind" tells, are greyed out, with the reason.
// props.methods: what there is; props.kind: of the first data; props.bounds: how few and how many.

/** @type {Method[]} */
const methods = props.methods;
/** @type {[number, number]} */
const [fewest, most] = props.bounds;
let { kind } = props;

/** @type {(method: Method) => string} */
const whyNot = (method) => method.not_for[kind] ?? "";
/** @type {() => string[]} */
const taken = () =>
  methods
    .filter((each) => !whyNot(each) && props.value.chosen.includes(each.name))
    .map((each) => each.name);

/** @type {(method: Method, on: boolean) => void} */
function take(method, on) {
  const others = taken().filter((name) => name !== method.name);
  props.value = { chosen: on ? [...others, method.name] : others };
  draw();
}

/** @type {(method: Method) => Part} */
function choiceOf(method) {
  const input = make("input", { type: "checkbox", value: method.name });
  input.onchange = () => take(method, input.checked);
  return make("label", {}, input, make("b", { textContent: method.title }), make("span"));
}

function draw() {
  const now = taken();
  const full = now.length >= most;
  all("label").forEach((label, i) => {
    const input = part("input", label);
    const why = whyNot(methods[i]);
    const on = now.includes(methods[i].name);
    input.checked = on;
    input.disabled = Boolean(why) || (full && !on);
    part("span", label).textContent = why || methods[i].sentence;
  });
  part("output").textContent =
    now.length < fewest ? `choose at least ${fewest}` : `${now.length} of at most ${most}`;
}
// Those that cannot take the data are chosen no more: what is seen is what is asked for.
document.addEventListener("abp-kind", (event) => {
  kind = /** @type {CustomEvent<string>} */ (event).detail;
  if (taken().length < props.value.chosen.length) props.value = { chosen: taken() };
  draw();
});
part(".list").append(...methods.map(choiceOf));
watch("value", draw);
draw();
