using RobustTrain.Platform;
using RobustTrain.Runs;

namespace RobustTrain.Training.Checkpoints;

/// <summary>A checkpoint can't be used or written: it is missing, damaged, of another model, or of a newer version.</summary>
public sealed class CheckpointException(string errorId, string message, string path, Exception? innerException = null, ExitCode exitCode = ExitCode.Configuration)
    : RunException(exitCode, errorId, message, path, innerException)
{
    /// <summary>The error id of a file that doesn't have the bytes that the manifest promises.</summary>
    public const string Damaged = "CheckpointDamaged";

    /// <summary>The error id of weights that belong to another network.</summary>
    public const string OtherModel = "CheckpointOfAnotherModel";

    /// <summary>The error id of a checkpoint that a newer version has written.</summary>
    public const string NewerFormat = "CheckpointNewerFormat";

    /// <summary>The error id of a folder that holds no checkpoint that can be used.</summary>
    public const string NotFound = "CheckpointNotFound";

    /// <summary>The error id of a disk that refuses a checkpoint.</summary>
    public const string NotWritten = "CheckpointNotWritten";

    /// <summary>Says that a disk refused a checkpoint.</summary>
    /// <param name="checkpoint">The checkpoint.</param>
    /// <param name="cause">What the disk said.</param>
    /// <param name="isFirst">Whether there is none before it.</param>
    internal static CheckpointException Refused(string checkpoint, Exception cause, bool isFirst) => new(
        NotWritten,
        $"The checkpoint {checkpoint} could not be written: {StorageError.Describe(cause).TrimEnd('.')}; {(isFirst ? "the run has none before it" : "the checkpoints before it are as they were")}.",
        checkpoint, cause, ExitCode.Unexpected);
}
