/** Plain text tables. */

/** Columns as wide as needed, the first ones to the left, numbers to the right. */
export function table(rows: readonly (readonly string[])[], leftColumns: number): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? "").length))
  );
  const line = (row: readonly string[]) =>
    row.map((cell, column) => {
      const width = widths[column] ?? 0;
      return column < leftColumns ? cell.padEnd(width) : cell.padStart(width);
    }).join("  ").trimEnd();
  const [head = [], ...body] = rows;
  const rule = widths.map((width) => "-".repeat(width)).join("  ");
  return [line(head), rule, ...body.map(line)].join("\n");
}

/** A number with so many digits after the point; a dash for what was not measured. */
export function figure(value: number | null | undefined, digits: number, unit = ""): string {
  return value === null || value === undefined ? "-" : value.toFixed(digits) + unit;
}
