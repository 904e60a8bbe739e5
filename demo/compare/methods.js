// Which methods are to be compared: value {kind, chosen}. Those that cannot take data of the kind are
// greyed out, with the reason; they stay chosen for data that they can take.
// props.methods: what there is; props.bounds: how few and how many at once.

/** @type {Method[]} */
const methods = props.methods;
/** @type {[number, number]} */
const [fewest, most] = props.bounds;

/** @type {(method: Method) => string} */
const whyNot = (method) => method.not_for[props.value.kind] ?? "";
/** @type {() => string[]} */
const taken = () =>
  methods
    .filter((each) => !whyNot(each) && props.value.chosen.includes(each.name))
    .map((each) => each.name);

/** @type {(method: Method, on: boolean) => void} */
function take(method, on) {
  const others = props.value.chosen.filter((/** @type {string} */ name) => name !== method.name);
  props.value = { ...props.value, chosen: on ? [...others, method.name] : others };
  draw();
  trigger("pick");
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
part(".list").append(...methods.map(choiceOf));
watch("value", draw);
draw();
