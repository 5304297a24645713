import java.nio.file.FileSystems
import java.nio.file.Files
import java.nio.file.Path
import nextflow.Nextflow
import org.slf4j.LoggerFactory

/**
 * Finds the files that --input or --queries names: one file, a folder, a glob, or a samplesheet with a column `path`. All files are checked
 * before any task starts.
 */
class InputFiles {

    private static final List<String> FASTA = ['', '.gz', '.zst'].collectMany { packing ->
        ['.fa', '.fasta', '.faa'].collect { ending -> ending + packing }
    }
    private static final List<String> SHARD = ['.h5', '.hdf5']
    private static final List<String> VECTORS = ['.parquet', '.npy']
    /** The same limit as MAX_TEXT_BYTES in workers/src/base/limits.ts. */
    private static final long MAX_SHEET_BYTES = 268435456
    private static final String KNOWN = (FASTA + SHARD + VECTORS).join(' ')
    private static final String GLOB = /[*?\[{]/

    /**
     * Finds and checks the files.
     * @param option name of the parameter, for messages
     * @return [source: absolute path as text, kind: 'fasta' | 'shard' | 'vectors', path: file, ids: file of the ids of .npy, otherwise null, bytes: size, null if finding it would take a request,
     *   values: cells of other columns of the samplesheet by name, null without one], sorted
     *   by source
     */
    static List<Map> resolve(Object value, String option) {
        def text = value.toString()
        def found = find(text, option)
        def repeated = found.countBy { file -> file.path.toUriString() }.find { _path, count -> count > 1 }
        if (repeated) Parameters.stop("--${option} ${text}: ${repeated.key} is listed ${repeated.value} times.")
        def files = found.collect { file -> describe(file, option) }.sort { file -> file.source }
        S3Files.warnOfUnlisted(files)
        return files
    }

    /** Finds and checks the file of --query_ids. */
    static Path idList(Object value) {
        def path = HostPath.named(value, '--query_ids')
        HostPath.requireFile(path, '--query_ids', value)
        return Staging.place(path, '--query_ids')
    }

    /** Lists [path, found: see S3Files.look, for a path on S3] of each file. */
    private static List<Map> find(String text, String option) {
        if (text ==~ /s3:\/\/.+/ && text =~ GLOB) return S3Files.matching(text, "--${option}")
        def path = HostPath.named(text, "--${option}")
        if (S3Files.has(path)) return onS3(path, text, option)
        // A file's name may contain glob characters: an existing name, including a broken link, is taken literally.
        if (Files.isDirectory(path)) return inFolder(path, option)
        if (HostPath.exists(path)) return isSheet(path) ? inSheet(path, option) : [[path: path]]
        if (text =~ GLOB) return byGlob(text, option)
        def problem = HostPath.problemWith(path)
        Parameters.stop("--${option}: ${problem == 'no such file' ? 'no such file or folder' : problem}: ${text}")
        return []
    }

    private static List<Map> onS3(Path path, String text, String option) {
        // Looking up a folder may take many requests if many objects share the beginning of their names.
        def found = text.endsWith('/') || path.nameCount == 0 ? [kind: 'folder'] : S3Files.look(path)
        if (found.kind == 'folder') return inFolder(path, option)
        HostPath.requireFile(path, "--${option}", text, found)
        return isSheet(path) ? inSheet(path, option) : [[path: path, found: found]]
    }

    private static List<Map> inFolder(Path folder, String option) {
        def known = S3Files.has(folder) ? S3Files.list(folder, "--${option}") { file -> kindOf(file) }
            : list(folder, option).findAll { file -> kindOf(file) }.collect { file -> [path: file] }
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

    private static List<Map> byGlob(String text, String option) {
        try {
            def found = Nextflow.files(text).findAll { file -> !Files.isDirectory(file) }
            if (!found) Parameters.stop("--${option}: no file matches ${text}")
            return found.collect { file -> [path: file.toAbsolutePath()] }
        }
        catch (IOException | UncheckedIOException | IllegalArgumentException problem) {
            def reason = problem instanceof UncheckedIOException ? problem.cause : problem
            def file = reason instanceof java.nio.file.FileSystemException ? " (${reason.file})" : ''
            Parameters.stop("--${option} ${text}: the files that match cannot be listed: ${HostPath.reasonOf(reason)}${file}. " +
                'Name a folder whose files can all be read.')
        }
        return []
    }

    private static List<Map> inSheet(Path sheet, String option) {
        def here = "--${option} ${sheet.toUriString()}"
        def rows = rowsOf(sheet, here)
        def columns = rows ? rows[0].cells.findIndexValues { cell -> cell == 'path' } : []
        if (columns.size() != 1) Parameters.stop("${here}: a samplesheet's first line must name a column 'path'${columns ? ', once' : ''}.")
        def others = option == 'input' ? otherColumns(rows[0].cells, here) : [:]
        def files = rows.tail().collect { row ->
            def where = "${here}, line ${row.line}"
            def cell = row.cells[columns[0] as int]
            if (!cell) Parameters.stop("${where}: the column 'path' is empty.")
            // Relative to the samplesheet, so that both can be moved together.
            return [path: HostPath.named(cell, where, sheet.toAbsolutePath().parent), where: where, values: valuesOf(row.cells, others)]
        }
        if (!files) Parameters.stop("${here}: the samplesheet lists no file.")
        def onS3 = S3Files.lookAll(files*.path.findAll { path -> S3Files.has(path) })
        return files.collect { file ->
            def found = onS3[file.path]
            HostPath.requireFile(file.path, file.where, file.path.toUriString(), found)
            return [path: file.path, found: found, values: file.values]
        }
    }

    /** Returns the position of each column besides `path` by its name. */
    private static Map<String, Integer> otherColumns(List<String> names, String here) {
        def others = names.findAll { name -> name && name != 'path' }
        def twice = others.countBy { name -> name }.find { _name, count -> count > 1 }
        if (twice) Parameters.stop("${here}: the column '${twice.key}' occurs twice.")
        def (known, unknown) = others.split { name -> KeptColumns.isName(name) }
        unknown.each { name ->
            LoggerFactory.getLogger(Nextflow).warn("${here}: the column '${name}' is not kept in the tables: name it with letters, digits and _, and not as a column of LanceFlow.")
        }
        return known.collectEntries { name -> [name, names.indexOf(name)] }
    }

    /** Returns the cells of a row that are not empty, by column. */
    private static Map<String, String> valuesOf(List<String> cells, Map<String, Integer> columns) {
        return columns.collectEntries { name, at -> [name, at < cells.size() ? cells[at] : null] }.findAll { _name, cell -> cell }
    }

    private static List<Map> rowsOf(Path sheet, String here) {
        if (!S3Files.has(sheet)) {
            def problem = HostPath.problemWith(sheet)
            if (problem) Parameters.stop("${here}: ${problem}.")
            if (Files.size(sheet) > MAX_SHEET_BYTES) refuseSize(here)
        }
        try {
            def text = Csv.decode(bytesOf(sheet, here))
            // UTF-16 without a byte order mark has a NUL in every character.
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

    private static byte[] bytesOf(Path sheet, String here) {
        def bytes = new byte[0]
        try {
            bytes = Files.newInputStream(sheet).withCloseable { stream -> stream.readNBytes(MAX_SHEET_BYTES as int + 1) }
        }
        catch (Exception problem) {
            HostPath.refuse(here, S3Files.has(sheet) ? S3Problem.of(problem, sheet) : [problem: HostPath.reasonOf(problem)], sheet.toUriString())
        }
        if (bytes.length > MAX_SHEET_BYTES) refuseSize(here)
        return bytes
    }

    private static void refuseSize(String here) {
        Parameters.stop("${here}: the samplesheet has more than ${MAX_SHEET_BYTES} bytes. Is it the right file?")
    }

    private static Map describe(Map file, String option) {
        def path = file.path
        def kind = kindOf(path)
        if (!kind) Parameters.stop("--${option}: ${path.toUriString()} is of no known kind: the name must end with ${KNOWN}")
        HostPath.requireFile(path, "--${option}", path.toUriString(), file.found)
        def bytes = path.fileSystem == FileSystems.default ? Files.size(path) : file.found?.bytes
        // Messages name a file by its source, whatever path is staged.
        def ids = path.name.toLowerCase().endsWith('.npy') ? idsOf(path, option) : null
        return [source: path.toUriString(), kind: kind, path: Staging.place(path, "--${option}"), ids: ids, bytes: bytes, values: file.values]
    }

    /** Finds the ids of a .npy file: the same name with .txt. */
    private static Path idsOf(Path path, String option) {
        def ids = path.resolveSibling(path.name.replaceFirst(/(?i)\.npy$/, '.txt'))
        if (S3Files.has(ids) ? S3Files.look(ids).kind != 'file' : !Files.isRegularFile(ids))
            Parameters.stop("--${option}: ${path.toUriString()} needs a file of its ids, ${ids.name}, in the same folder: one id a line.")
        return Staging.place(ids, "--${option}")
    }

    private static String kindOf(Path path) {
        def name = path.name.toLowerCase()
        if (FASTA.any { ending -> name.endsWith(ending) }) return 'fasta'
        if (VECTORS.any { ending -> name.endsWith(ending) }) return 'vectors'
        return SHARD.any { ending -> name.endsWith(ending) } ? 'shard' : null
    }

    private static boolean isSheet(Path path) {
        return path.name.toLowerCase().endsWith('.csv')
    }
}
