// Puts a field above tables that can be long; typing leaves the rows that hold every word.
document.querySelectorAll(".filtered").forEach((part) => {
  const rows = [...part.querySelectorAll("tbody tr")].map((row) => ({
    row,
    words: row.textContent.toLowerCase(),
  }));
  const label = document.createElement("label");
  const field = document.createElement("input");
  const count = document.createElement("output");
  label.className = "filter";
  label.textContent = "Show only rows with ";
  field.type = "search";
  field.placeholder = part.dataset.label;
  label.append(field, count);
  part.prepend(label);

  const choose = () => {
    const wanted = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const { row, words } of rows) {
      row.hidden = !wanted.every((word) => words.includes(word));
      shown += row.hidden ? 0 : 1;
    }
    // A table without a row left would be a heading over nothing.
    part.querySelectorAll("table").forEach((table) => {
      const empty = !table.querySelector("tbody tr:not([hidden])");
      const block = table.closest(".md-typeset__scrollwrap") ?? table;
      block.hidden = empty;
      const title = block.previousElementSibling;
      if (title?.matches("h2, h3")) title.hidden = empty;
    });
    count.textContent = wanted.length ? ` ${shown} of ${rows.length}` : ` ${rows.length} rows`;
  };
  field.addEventListener("input", choose);
  choose();
});
