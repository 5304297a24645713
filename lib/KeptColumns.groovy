import groovy.json.JsonOutput
import groovy.json.JsonSlurper
import java.nio.file.FileSystems
import java.nio.file.Files
import java.nio.file.Path

/** The columns that tables keep beside vectors and ids: --keep, and the other columns of samplesheets. */
class KeptColumns {

    /** The same as FASTA_COLUMNS in workers/src/shard/columns/keep.ts. */
    private static final List<String> FASTA = ['description', 'sequence']
    /** The same as isColumnName in workers/src/base/columns/column-type.ts. */
    private static final String NAME = /[A-Za-z][A-Za-z0-9_]{0,63}/
    /** Files that are opened to find a column, before a task starts. */
    private static final int MOST_OPENED = 1000
    private static final List<String> RESERVED = [
        'embedding', 'id', 'query_id', 'target_id', 'rank', 'distance', 'bucket', 'evalue', 'vector',
        'identity', 'query_coverage', 'target_coverage', 'bits', 'alignment_evalue',
    ]

    /** Returns the value of --keep for commands that read FASTA. @param keep value of the parameter; null: all that FASTA has */
    static String ofFasta(Object keep) {
        return FASTA.findAll { name -> isKept(name, keep) }.join(',') ?: 'none'
    }

    /** Checks the names in --keep, whose form is in nextflow_schema.json. */
    static void check(Object keep) {
        if (keep == null || keep in ['all', 'none']) return
        def wrong = keep.toString().split(',', -1)*.trim().find { name -> !isName(name) }
        if (wrong != null)
            Parameters.stop("--keep: '${wrong}' cannot be kept: it is a name of LanceFlow's own columns, or too long. Rename the column.")
    }

    /**
     * Checks that an input has each column in --keep, before any task starts. Stops the run if none has. Without the workers' Node, and for
     * files on S3, PACK_BUCKETS checks it.
     * @param files see InputFiles.resolve
     */
    static void requireKnown(Map given, List<Map> files, Path projectDir) {
        if (given.keep == null || given.keep in ['all', 'none'] || !files) return
        def names = given.keep.toString().split(',')*.trim()
        def known = (files.any { file -> file.kind == 'fasta' } ? FASTA : []) + files.collectMany { file -> (file.values ?: [:]).keySet() }
        def unknown = names - known
        if (!unknown) return
        def others = files.findAll { file -> file.kind != 'fasta' }
        def found = others ? columnsOf(others, given, unknown, projectDir) : []
        if (found == null) return
        def missing = unknown - found
        def all = (known + found).unique()
        if (missing)
            Parameters.stop("--keep: no input has a column ${missing.collect { name -> "\"${name}\"" }.join(', ')}. " +
                "${all ? "The inputs have ${all.join(', ')}" : 'The inputs have no columns beside vectors and ids'}.")
    }

    /** Lists the columns that are kept of FASTA, and the kept columns of samplesheets. @param files see InputFiles.resolve */
    static List<String> knownOf(List<Map> files, Object keep) {
        def fasta = files.any { file -> file.kind == 'fasta' } ? FASTA : []
        return (fasta + files.collectMany { file -> (file.values ?: [:]).keySet() }).unique().findAll { name -> isKept(name, keep) }
    }

    /** Lists the columns of files of vectors, through a worker. @return null if this machine cannot */
    static List<String> columnsOf(List<Map> files, Map given, List<String> wanted, Path projectDir) {
        def home = projectDir.normalize()
        def paths = files.collect { file -> file.path as Path }.take(MOST_OPENED)
        if (Files.notExists(home.resolve('node_modules/.bin/node')) || paths.any { path -> path.fileSystem != FileSystems.default }) return null
        def named = ['h5_embedding', 'h5_id'].findAll { name -> given[name] }.collectMany { name -> ["--${name.replace('_', '-')}", given[name]] }
        def arguments = ['list-columns', '--json', '--until', wanted.join(','), *named, '--input', *paths]
        def fails = false
        def printed = Program.output(new ProcessBuilder([home.resolve('bin/lanceflow'), *arguments]*.toString())) { _messages -> fails = true }
        // A file that cannot be read stops the task that reads it, with its name.
        if (fails) return null
        def found = (new JsonSlurper().parseText(printed) as Map).columns*.name as List<String>
        return files.size() > paths.size() && !found.containsAll(wanted) ? null : found
    }

    /** Returns whether a name can be a column's. */
    static boolean isName(String name) {
        return name ==~ NAME && !(name.toLowerCase() in RESERVED)
    }

    /**
     * Returns the values of samplesheets, a JSON object a shard; an empty list if no file has any.
     * @param sources of the shards; a part of a large file has the source `<file>#<number>`
     * @param files see InputFiles.resolve
     */
    static List<String> valuesOf(List<String> sources, List<Map> files, Object keep) {
        def bySource = files.collectEntries { file -> [file.source, (file.values ?: [:]).findAll { name, _value -> isKept(name, keep) }] }
        if (!bySource.any { _source, values -> values }) return []
        return sources.collect { source -> JsonOutput.toJson(bySource[source] ?: bySource[source.replaceFirst(/#\d+$/, '')] ?: [:]) }
    }

    private static boolean isKept(String name, Object keep) {
        return keep == null || keep == 'all' || name in keep.toString().split(',')*.trim()
    }
}
