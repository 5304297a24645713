import java.nio.file.Files
import java.nio.file.Path
import nextflow.Nextflow
import nextflow.file.FileHelper

/**
 * Finds the files that --input or --queries names: one file, a folder, a glob, or a samplesheet with a column
 * `path`. Everything is checked here, before any task starts.
 */
class InputFiles {

    private static final List<String> FASTA = ['', '.gz', '.zst'].collectMany { packing ->
        ['.fa', '.fasta', '.faa'].collect { ending -> ending + packing }
    }
    private static final List<String> SHARD = ['.h5', '.hdf5']
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
        def path = asPath(given.toString(), 'query_ids')
        if (!Files.isRegularFile(path)) Parameters.stop("--query_ids: no such file: ${given}")
        if (path.name =~ /[\r\n]/) Parameters.stop("--query_ids: the name of ${path.toUriString()} has a line break; rename the file.")
        return path
    }

    private static List<Path> find(String text, String option) {
        def path = asPath(text, option)
        // A file's own name may have glob characters; what exists is taken literally.
        if (Files.isDirectory(path)) return inFolder(path, option)
        if (Files.exists(path)) return isSheet(path) ? inSheet(path, option) : [path]
        if (text =~ /[*?\[{]/) return byGlob(text, option)
        Parameters.stop("--${option}: no such file or folder: ${text}")
        return []
    }

    private static List<Path> inFolder(Path folder, String option) {
        def known = list(folder).findAll { file -> kindOf(file) }
        if (!known) Parameters.stop("--${option}: no file in the folder ${folder.toUriString()} ends with ${KNOWN}")
        return known
    }

    private static List<Path> list(Path folder) {
        def stream = Files.newDirectoryStream(folder)
        try {
            return stream.findAll { file -> Files.isRegularFile(file) && !file.name.startsWith('.') }
        }
        finally {
            stream.close()
        }
    }

    private static List<Path> byGlob(String text, String option) {
        def found = Nextflow.files(text).findAll { file -> Files.isRegularFile(file) }
        if (!found) Parameters.stop("--${option}: no file matches ${text}")
        return found*.toAbsolutePath()
    }

    private static List<Path> inSheet(Path sheet, String option) {
        def rows = Csv.parse(sheet.getText('UTF-8'))
        def column = rows ? rows[0].cells.findIndexOf { cell -> cell == 'path' } : -1
        if (column < 0) Parameters.stop("--${option} ${sheet}: a samplesheet's first line must name a column 'path'.")
        def files = rows.tail().collect { row ->
            def where = "--${option} ${sheet}, line ${row.line}"
            def cell = row.cells[column]
            if (!cell) Parameters.stop("${where}: the column 'path' is empty.")
            // Relative to the samplesheet, so that both can be moved together.
            def path = cell =~ /^\w+:\/\// ? asPath(cell, option) : sheet.parent.resolve(cell).normalize()
            if (!Files.isRegularFile(path)) Parameters.stop("${where}: no such file: ${path.toUriString()}")
            return path
        }
        if (!files) Parameters.stop("--${option} ${sheet}: the samplesheet lists no file.")
        return files
    }

    private static Map describe(Path path, String option) {
        def kind = kindOf(path)
        if (!kind) Parameters.stop("--${option}: ${path.toUriString()} is of no known kind: the name must end with ${KNOWN}")
        if (path.name =~ /[\r\n]/) Parameters.stop("--${option}: the name of ${path.toUriString()} has a line break; rename the file.")
        if (!Files.isReadable(path)) Parameters.stop("--${option}: ${path.toUriString()} cannot be read. Check its permissions.")
        return [source: path.toUriString(), kind: kind, path: path]
    }

    private static String kindOf(Path path) {
        def name = path.name.toLowerCase()
        if (FASTA.any { ending -> name.endsWith(ending) }) return 'fasta'
        return SHARD.any { ending -> name.endsWith(ending) } ? 'shard' : null
    }

    private static boolean isSheet(Path path) {
        return path.name.toLowerCase().endsWith('.csv')
    }

    private static Path asPath(String text, String option) {
        try {
            return FileHelper.asPath(text).toAbsolutePath().normalize()
        }
        catch (Exception problem) {
            Parameters.stop("--${option} ${text}: ${problem.message}")
        }
    }
}
