export interface Line {
  /** From 1, where it begins in the text. */
  number: number;
  cells: string[];
}

export interface Delimited {
  delimiter: "\t" | ";" | ",";
  lines: Line[];
}

/**
 * Reads lines of cells with tabs, semicolons or commas between them, whichever of these comes first in that order
 * outside quotes. Cells may be quoted as RFC 4180 has it. Lines with nothing in them are left out.
 */
export function readDelimited(text: string): Delimited {
  const bare = text.replace(/"(?:[^"]|"")*"/g, "");
  const delimiter = bare.includes("\t") ? "\t" : bare.includes(";") ? ";" : ",";
  const lines: Line[] = [];
  let line: Line = { number: 1, cells: [] };
  let cell = "";
  let quoted = false;
  let number = 1;

  const endCell = () => {
    line.cells.push(cell.trim());
    cell = "";
  };
  const endLine = () => {
    endCell();
    if (line.cells.some((each) => each !== "")) lines.push(line);
    line = { number, cells: [] };
  };

  const source = text.replace(/^\uFEFF/, "").replace(/\r\n?/g, "\n");
  for (let i = 0; i < source.length; i++) {
    const char = source[i]!;
    if (char === "\n") number++;
    if (quoted) {
      if (char !== '"') cell += char;
      else if (source[i + 1] === '"') cell += source[++i]!;
      else quoted = false;
    } else if (char === '"' && cell.trim() === "") {
      cell = "";
      quoted = true;
    } else if (char === delimiter) endCell();
    else if (char === "\n") endLine();
    else cell += char;
  }
  endLine();
  return { delimiter, lines };
}
