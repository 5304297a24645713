import java.nio.file.Files
import java.nio.file.Path
import java.nio.file.StandardCopyOption
import nextflow.file.FileHelper

/** The evaluation of a run in --outdir. */
class EvaluationFiles {

    static final String PAGE = 'evaluation.html'

    /** Copies the evaluation and its page to --outdir, or below an s3:// prefix. */
    static void publish(Object outdir, List<Path> files) {
        def folder = HostPath.named(outdir, '--outdir')
        def onS3 = S3Files.has(folder)
        try {
            if (!onS3) Files.createDirectories(folder)
            files.each { file -> FileHelper.copyPath(file, folder.resolve(file.name), StandardCopyOption.REPLACE_EXISTING) }
        }
        catch (Exception problem) {
            if (!onS3 && !(problem instanceof IOException)) throw problem
            def reason = onS3 ? S3Problem.reasonOf(problem) : HostPath.reasonOf(problem)
            Parameters.stop("--outdir ${outdir}: ${files*.name.join(' and ')} cannot be written: ${reason}.")
        }
    }
}
