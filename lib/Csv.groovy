/** Comma-separated text as RFC 4180 has it: quoted cells may hold commas, doubled quotes and line breaks. */
class Csv {

    /** @return one [line: its number from 1, cells: trimmed texts] for every row that is not empty */
    static List<Map> parse(String text) {
        def rows = []
        def cells = []
        def cell = new StringBuilder()
        def quoted = false
        def line = 1
        def startLine = 1
        def endRow = {
            cells << cell.toString().trim()
            if (cells.any()) rows << [line: startLine, cells: cells]
            cells = []
            cell = new StringBuilder()
            startLine = line
        }
        // A byte order mark is what Excel writes first.
        def body = text.replaceFirst(/^\uFEFF/, '').replaceAll(/\r\n?/, '\n')
        for (int i = 0; i < body.size(); i++) {
            def letter = body[i]
            if (letter == '\n') line++
            if (letter == '"') {
                if (quoted && i + 1 < body.size() && body[i + 1] == '"') cell << body[++i]
                else quoted = !quoted
            }
            else if (quoted) cell << letter
            else if (letter == '\n') endRow()
            else if (letter == ',') {
                cells << cell.toString().trim()
                cell = new StringBuilder()
            }
            else cell << letter
        }
        endRow()
        return rows
    }
}
