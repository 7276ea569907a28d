const read = (row, column) => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();

function compare(first, second) {
  if (first === "" || second === "") return (first === "") - (second === ""); // missing values last
  return isNaN(first) || isNaN(second) ? first.localeCompare(second) : first - second;
}

for (const table of document.querySelectorAll("table.sortable")) {
  const headings = [...table.tHead.rows[0].cells], body = table.tBodies[0];
  headings.forEach((heading, column) => heading.addEventListener("click", () => {
    const descending = heading.ariaSort === "ascending";
    headings.forEach((other) => other.removeAttribute("aria-sort"));
    heading.ariaSort = descending ? "descending" : "ascending";
    const rows = [...body.rows].sort((a, b) => {
      const [first, second] = [read(a, column), read(b, column)];
      return compare(first, second) * (descending && first !== "" && second !== "" ? -1 : 1);
    });
    body.append(...rows);
  }));
}

let closed = [];
addEventListener("beforeprint", () => {
  closed = [...document.querySelectorAll("details:not([open])")];
  closed.forEach((details) => { details.open = true; });
});
addEventListener("afterprint", () => closed.forEach((details) => { details.open = false; }));
