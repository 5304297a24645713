/** The columns of the database that results carry: --columns, --fasta and --align. */
class ResultColumns {

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
        if (!isAsked(given)) return
        def known = DatabaseUri.columns(database)
        def names = given.columns ? given.columns.toString().split(',').toList() : []
        def unknown = names.findAll { name -> !(name in known) }
        def list = known ? "The columns are ${known.join(', ')}." : 'Its buckets keep no columns: build them without --keep none.'
        if (unknown)
            Parameters.stop("--columns ${unknown.join(',')}: no bucket of ${database} has ${unknown.size() == 1 ? 'this column' : 'these columns'}. ${list}")
        def option = given.align != null ? 'align' : 'fasta'
        if ((given.fasta || given.align != null) && !('sequence' in known))
            Parameters.stop("--${option}: no bucket of ${database} has a column sequence (its columns: ${known.join(', ') ?: 'none'}). " +
                'Build it from FASTA, without --keep none.')
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
        def names = request.columns ? request.columns.toString().split(',').toList() : []
        if (request.align != null) {
            names << 'sequence'
            // ALIGN_NEIGHBOURS writes the FASTA file, which has descriptions where there are any.
            if (request.fasta && 'description' in DatabaseUri.columns(request.database)) names << 'description'
        }
        return names.unique().join(',')
    }
}
