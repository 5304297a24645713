/** The columns of the database that results carry: --columns and --fasta. */
class ResultColumns {

    /** Checks that a database has them, before it is searched. Stops the run if no bucket has one. */
    static void check(Map given, String database) {
        if (!isAsked(given)) return
        def known = DatabaseUri.columns(database)
        def names = given.columns ? given.columns.toString().split(',').toList() : []
        def unknown = names.findAll { name -> !(name in known) }
        def list = known ? "The columns are ${known.join(', ')}." : 'Its buckets keep no columns: build them without --keep none.'
        if (unknown)
            Parameters.stop("--columns ${unknown.join(',')}: no bucket of ${database} has ${unknown.size() == 1 ? 'this column' : 'these columns'}. ${list}")
        if (given.fasta && !('sequence' in known))
            Parameters.stop("--fasta: no bucket of ${database} has a column sequence (its columns: ${known.join(', ') ?: 'none'}). " +
                'Build it from FASTA, without --keep none.')
    }

    /** Returns whether results have more than hits have. */
    static boolean isAsked(Map given) {
        return given.columns || given.fasta
    }
}
