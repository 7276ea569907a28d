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

for (const button of document.querySelectorAll("[data-csv]")) {
  button.addEventListener("click", () => {
    const table = document.getElementById(button.dataset.csv);
    const names = [...table.tHead.rows[0].cells].map((cell) => cell.dataset.name);
    const rows = [...table.tBodies[0].rows].map((row) => names.map((_, column) => read(row, column)));
    const lines = [names, ...rows].map((row) => row.map((text) => /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text).join(","));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([lines.join("\r\n") + "\r\n"], { type: "text/csv" }));
    link.download = `${button.dataset.csv}.csv`;
    link.click();
    URL.revokeObjectURL(link.href);
  });
}

let closed = [];
addEventListener("beforeprint", () => {
  closed = [...document.querySelectorAll("details:not([open])")];
  closed.forEach((details) => { details.open = true; });
});
addEventListener("afterprint", () => closed.forEach((details) => { details.open = false; }));
