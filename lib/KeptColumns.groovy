import groovy.json.JsonOutput

/** The columns that tables keep beside vectors and ids: --keep, and the other columns of samplesheets. */
class KeptColumns {

    /** The same as FASTA_COLUMNS in workers/src/shard/columns/keep.ts. */
    private static final List<String> FASTA = ['description', 'sequence']
    /** The same as isColumnName in workers/src/base/columns/column-type.ts. */
    private static final String NAME = /[A-Za-z][A-Za-z0-9_]{0,63}/
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
