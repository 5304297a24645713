import java.nio.file.Files
import java.nio.file.Path
import nextflow.Nextflow

/**
 * Finds the files that --input or --queries names: one file, a folder, a glob, or a samplesheet with a column
 * `path`. Everything is checked here, before any task starts.
 */
class InputFiles {

    private static final List<String> FASTA = ['', '.gz', '.zst'].collectMany { packing ->
        ['.fa', '.fasta', '.faa'].collect { ending -> ending + packing }
    }
    private static final List<String> SHARD = ['.h5', '.hdf5']
    /** As MAX_TEXT_BYTES in workers/src/core/limits.ts. */
    private static final long MOST_SHEET_BYTES = 268435456
    private static final String KNOWN = (FASTA + SHARD).join(' ')

    /**
     * @param option its name, for messages
     * @return [source: absolute path as text, kind: 'fasta' | 'shard', path: file], sorted by source
     */
    static List<Map> resolve(Object given, String option) {
        def text = given.toString()
        def paths = find(text, option)
        def repeated = paths.countBy { path -> path.toUriString() }.find { _path, count -> count > 1 }
        if (repeated) Parameters.stop("--${option} ${text}: ${repeated.key} is listed ${repeated.value} times.")
        return paths.collect { path -> describe(path, option) }.sort { file -> file.source }
    }

    /** A list of ids. */
    static Path idList(Object given) {
        def path = HostPath.named(given, '--query_ids')
        def problem = HostPath.problemWith(path)
        if (problem) Parameters.stop("--query_ids: ${problem}: ${given}")
        return Staging.place(path, '--query_ids')
    }

    private static List<Path> find(String text, String option) {
        def path = HostPath.named(text, "--${option}")
        // A file's own name may have glob characters; what exists is taken literally, also where it is a link that leads nowhere.
        if (Files.isDirectory(path)) return inFolder(path, option)
        if (HostPath.exists(path)) return isSheet(path) ? inSheet(path, option) : [path]
        if (text =~ /[*?\[{]/) return byGlob(text, option)
        def problem = HostPath.problemWith(path)
        Parameters.stop("--${option}: ${problem == 'no such file' ? 'no such file or folder' : problem}: ${text}")
        return []
    }

    private static List<Path> inFolder(Path folder, String option) {
        def known = list(folder, option).findAll { file -> kindOf(file) }
        if (!known) Parameters.stop("--${option}: no file in the folder ${folder.toUriString()} ends with ${KNOWN}")
        return known
    }

    private static List<Path> list(Path folder, String option) {
        try {
            def stream = Files.newDirectoryStream(folder)
            try {
                return stream.findAll { file -> !file.name.startsWith('.') && !Files.isDirectory(file) }
            }
            finally {
                stream.close()
            }
        }
        catch (IOException problem) {
            Parameters.stop("--${option}: the folder ${folder.toUriString()} cannot be listed: ${HostPath.reasonOf(problem)}")
        }
        return []
    }

    private static List<Path> byGlob(String text, String option) {
        try {
            def found = Nextflow.files(text).findAll { file -> !Files.isDirectory(file) }
            if (!found) Parameters.stop("--${option}: no file matches ${text}")
            return found*.toAbsolutePath()
        }
        catch (IOException | UncheckedIOException | IllegalArgumentException problem) {
            def reason = problem instanceof UncheckedIOException ? problem.cause : problem
            def file = reason instanceof java.nio.file.FileSystemException ? " (${reason.file})" : ''
            Parameters.stop("--${option} ${text}: the files that match cannot be listed: ${HostPath.reasonOf(reason)}${file}. " +
                'Name a folder whose files can all be read.')
        }
        return []
    }

    private static List<Path> inSheet(Path sheet, String option) {
        def here = "--${option} ${sheet}"
        def rows = rowsOf(sheet, here)
        def columns = rows ? rows[0].cells.findIndexValues { cell -> cell == 'path' } : []
        if (columns.size() != 1) Parameters.stop("${here}: a samplesheet's first line must name a column 'path'${columns ? ', once' : ''}.")
        def files = rows.tail().collect { row ->
            def where = "${here}, line ${row.line}"
            def cell = row.cells[columns[0] as int]
            if (!cell) Parameters.stop("${where}: the column 'path' is empty.")
            // Relative to the samplesheet, so that both can be moved together.
            def path = HostPath.named(cell, where, sheet.toAbsolutePath().parent)
            def problem = HostPath.problemWith(path)
            if (problem) Parameters.stop("${where}: ${problem}: ${path.toUriString()}")
            return path
        }
        if (!files) Parameters.stop("${here}: the samplesheet lists no file.")
        return files
    }

    private static List<Map> rowsOf(Path sheet, String here) {
        def problem = HostPath.problemWith(sheet)
        if (problem) Parameters.stop("${here}: ${problem}.")
        if (Files.size(sheet) > MOST_SHEET_BYTES) Parameters.stop("${here}: the samplesheet has more than ${MOST_SHEET_BYTES} bytes. Is it the right file?")
        try {
            def text = Csv.decode(Files.readAllBytes(sheet))
            // As text, UTF-16 without a byte order mark has one in every character.
            if (text.contains('\0')) Parameters.stop("${here}: the samplesheet is not text. Save it as CSV in UTF-8.")
            return Csv.parse(text)
        }
        catch (Csv.BadText bad) {
            Parameters.stop("${here}, line ${bad.line}: the samplesheet is not in UTF-8. Save it as \"CSV UTF-8\".")
        }
        catch (IllegalArgumentException bad) {
            Parameters.stop("${here}: ${bad.message}")
        }
        return []
    }

    private static Map describe(Path path, String option) {
        def kind = kindOf(path)
        if (!kind) Parameters.stop("--${option}: ${path.toUriString()} is of no known kind: the name must end with ${KNOWN}")
        def problem = HostPath.problemWith(path)
        if (problem) Parameters.stop("--${option}: ${problem}: ${path.toUriString()}")
        // Messages name the file by its source, whatever path tasks are given.
        return [source: path.toUriString(), kind: kind, path: Staging.place(path, "--${option}")]
    }

    private static String kindOf(Path path) {
        def name = path.name.toLowerCase()
        if (FASTA.any { ending -> name.endsWith(ending) }) return 'fasta'
        return SHARD.any { ending -> name.endsWith(ending) } ? 'shard' : null
    }

    private static boolean isSheet(Path path) {
        return path.name.toLowerCase().endsWith('.csv')
    }
}
