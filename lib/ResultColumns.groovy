import java.nio.file.Path

/** The columns of the database that results carry: --columns, --fasta and --align. */
class ResultColumns {

    /** Files of queries that are opened before a task starts, one after the other. */
    private static final int MOST_OPENED = 8

    /** Checks the combination of --align with other parameters. Stops the run if something is wrong. */
    static void checkAlignment(Map given) {
        if (given.align == null) {
            if (given.rank == 'alignment')
                Parameters.stop("--rank ${given.rank}: it orders by alignments; pass --align as well, the count of candidates to align.")
            return
        }
        if (!given.queries && !given.query_ids) Parameters.stop('--align: there are no queries to align. Pass --queries.')
        if (given.query_ids)
            Parameters.stop('--align: queries by --query_ids have no sequences. Pass them as FASTA with --queries.')
        if (given.keep != null && !('sequence' in KeptColumns.ofFasta(given.keep).split(',')))
            Parameters.stop("--align: --keep ${given.keep} omits the sequences, which alignments need. Add sequence to --keep.")
    }

    /** Checks that a database has the columns, before it is searched. Stops the run if no bucket has one. */
    static void check(Map given, String database) {
        if (isAsked(given)) requireKnown(given, DatabaseUri.columns(database), "no bucket of ${database} has")
    }

    /**
     * Checks that a database that is built will have the columns: of its inputs, or of the buckets that it has. Stops the run if neither has
     * one. Where the columns of an input cannot be listed before any task starts, FETCH_COLUMNS checks it.
     * @param inputs see InputFiles.resolve
     */
    static void checkBuilt(Map given, List<Map> inputs, String database, Path projectDir) {
        if (!isAsked(given)) return
        def known = KeptColumns.knownOf(inputs, given.keep)
        if (!unknownOf(given, known)) return
        known = (known + DatabaseUri.columns(database)).unique()
        def others = inputs.findAll { file -> file.kind != 'fasta' }
        def found = others && unknownOf(given, known) ? KeptColumns.columnsOf(others, given, unknownOf(given, known), projectDir) : []
        if (found != null) requireKnown(given, (known + found).unique().sort(), "neither ${database} nor an input has")
    }

    /** Checks that queries in files of vectors have the sequences that --align needs. Stops the run if one has none. */
    static void checkQueries(Map given, List<Map> queries, Path projectDir) {
        if (given.align == null) return
        def without = queries.findAll { file -> file.kind != 'fasta' }.take(MOST_OPENED).find { file ->
            def found = KeptColumns.columnsOf([file], given, ['sequence'], projectDir)
            found != null && !('sequence' in found)
        }
        if (without)
            Parameters.stop("--align: the queries of ${without.source} have no column sequence (one text a row), so they cannot be aligned. " +
                'Add it, or pass the queries as FASTA.')
    }

    private static void requireKnown(Map given, List<String> known, String nothingHas) {
        def unknown = columnsOf(given) - known
        def list = known ? "The columns are ${known.join(', ')}." : 'No columns are kept: build without --keep none.'
        if (unknown)
            Parameters.stop("--columns ${unknown.join(',')}: ${nothingHas} ${unknown.size() == 1 ? 'this column' : 'these columns'}. ${list}")
        def option = given.align != null ? 'align' : 'fasta'
        if (unknownOf(given, known))
            Parameters.stop("--${option}: ${nothingHas} a column sequence (the columns: ${known.join(', ') ?: 'none'}). " +
                'Build from FASTA, without --keep none.')
    }

    /** Returns the columns that results need and that are not known. */
    private static List<String> unknownOf(Map given, List<String> known) {
        return (columnsOf(given) + (given.fasta || given.align != null ? ['sequence'] : [])).unique() - known
    }

    private static List<String> columnsOf(Map given) {
        return given.columns ? given.columns.toString().split(',')*.trim() : []
    }

    /** Returns whether results have more than hits have. */
    static boolean isAsked(Map given) {
        return given.columns || given.fasta || given.align != null
    }

    /** Returns the neighbours that a search finds of each query: the results of --k, and the candidates of --align. */
    static int searched(Map request) {
        return [request.k as int, (request.align ?: 0) as int].max()
    }

    /**
     * Returns the names of the columns to fetch, with commas between: those of the results, and what --align reads and writes.
     * @param request see Request
     */
    static String fetched(Map request) {
        def names = columnsOf(request)
        if (request.align != null) {
            names << 'sequence'
            // ALIGN_NEIGHBOURS writes the FASTA file, which has descriptions where there are any.
            if (request.fasta && 'description' in DatabaseUri.columns(request.database)) names << 'description'
        }
        return names.unique().join(',')
    }
}
