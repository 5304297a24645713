import groovy.transform.CompileStatic
import java.nio.ByteBuffer
import java.nio.charset.CharacterCodingException
import java.nio.charset.Charset
import java.nio.charset.StandardCharsets

/** Reads comma-separated text (RFC 4180): quoted cells may hold commas, doubled quotes and line breaks. */
@CompileStatic
class Csv {

    /**
     * Decodes UTF-8, or UTF-16 with a byte order mark (Excel's "Unicode text").
     * @throws BadText with the first line that is in another encoding
     */
    static String decode(byte[] bytes) throws CharacterCodingException {
        def utf16 = bytes.length >= 2 && ((bytes[0] == (byte) 0xff && bytes[1] == (byte) 0xfe) || (bytes[0] == (byte) 0xfe && bytes[1] == (byte) 0xff))
        def charset = (utf16 ? StandardCharsets.UTF_16 : StandardCharsets.UTF_8) as Charset
        def left = ByteBuffer.wrap(bytes)
        def text = java.nio.CharBuffer.allocate(bytes.length + 1)
        def result = charset.newDecoder().decode(left, text, true)
        if (result.isError()) throw new BadText(1 + text.flip().toString().count('\n'))
        return text.flip().toString()
    }

    /** A text with bytes that are invalid in its encoding. */
    static class BadText extends CharacterCodingException {
        final int line
        BadText(int line) { this.line = line }
    }

    /**
     * Splits a text into rows and cells.
     * @return [line: number from 1, cells: texts, trimmed unless they are quoted] of every row that is not empty
     * @throws IllegalArgumentException if a quote is not closed
     */
    static List<Map<String, Object>> parse(String text) {
        // Excel begins the file with a byte order mark.
        def body = text.replaceFirst(/^\uFEFF/, '').replaceAll(/\r\n?/, '\n')
        def separator = separatorOf(body)
        def rows = [] as List<Map<String, Object>>
        List<String> cells = []
        def cell = new StringBuilder()
        def open = false   // inside quotes
        def quoted = false // the cell has been in quotes
        def line = 1
        def startLine = 1
        def openLine = 1
        for (int i = 0; i <= body.length(); i++) {
            def end = i == body.length()
            char letter = end ? (char) '\n' : body.charAt(i)
            if (open && end) throw new IllegalArgumentException("the quote that opens in line ${openLine} is not closed.")
            if (open && letter == (char) '"') {
                if (i + 1 < body.length() && body.charAt(i + 1) == (char) '"') cell.append(body.charAt(++i))
                else open = false
            }
            else if (!open && !quoted && letter == (char) '"' && cell.toString().isBlank()) {
                cell.setLength(0)
                open = quoted = true
                openLine = line
            }
            else if (!open && (letter == separator || letter == (char) '\n')) {
                cells.add(quoted ? cell.toString() : cell.toString().trim())
                cell.setLength(0)
                quoted = false
                if (letter == (char) '\n') {
                    if (cells.any()) rows.add([line: (Object) startLine, cells: (Object) cells])
                    cells = []
                    startLine = line + 1
                }
            }
            // Spaces between a closing quote and the separator belong to no cell.
            else if (open || !quoted || !Character.isWhitespace(letter)) cell.append(letter)
            if (letter == (char) '\n') line++
        }
        return rows
    }

    /** Finds the separator. It is a semicolon or a tab if the first line has no comma: Excel writes these if the comma is the decimal mark. */
    private static char separatorOf(String body) {
        def first = body.find(/\A[^\n]*/)
        if (first.contains(',')) return (char) ','
        return first.contains(';') ? (char) ';' : first.contains('\t') ? (char) '\t' : (char) ','
    }
}
