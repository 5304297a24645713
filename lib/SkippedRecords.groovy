import java.nio.file.Files
import java.nio.file.Path

/** The records and files without residues that the tasks of this run skipped. */
class SkippedRecords {

    private static final String NAME = 'skipped.csv'
    private static final String FIRST_CELL = /^(?:"(?:[^"]|"")*"|[^",]*)/

    /** How many were skipped and are listed. */
    static volatile int count = 0

    /** Writes skipped.csv in --outdir, or removes that of an earlier run. @param tables [source, CSV of a task], with the same first line */
    static void publish(Object outdir, List<List> tables) {
        def target = HostPath.named(outdir, '--outdir').resolve(NAME)
        def onS3 = S3Files.has(target)
        try {
            // Sorted by source: the first field of a table's rows.
            def rows = tables.collect { source, table -> rowsOf(source, table) }.findAll().sort { list -> list[0] }.flatten()
            count = rows.size()
            if (!rows) {
                if (Results.exists(target)) Files.delete(target)
                return
            }
            if (!onS3) Files.createDirectories(target.parent)
            target.setText((["file,record,id,reason"] + rows).join('\n') + '\n', 'UTF-8')
        }
        catch (Exception problem) {
            if (!onS3 && !(problem instanceof IOException)) throw problem
            def reason = onS3 ? S3Problem.reasonOf(problem) : HostPath.reasonOf(problem)
            Parameters.stop("--outdir ${outdir}: ${NAME} cannot be written: ${reason}.")
        }
    }

    /** Reads the rows of a table. A table in the embedding cache has the name under which the file was embedded first. */
    private static List<String> rowsOf(String source, Path table) {
        def name = source =~ /[",]/ ? "\"${source.replace('"', '""')}\"" : source
        return table.readLines('UTF-8').drop(1).collect { row -> name + row.replaceFirst(FIRST_CELL, '') }
    }
}
