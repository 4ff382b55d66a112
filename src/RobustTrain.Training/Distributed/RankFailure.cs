using RobustTrain.Data;
using RobustTrain.Runs;

namespace RobustTrain.Training.Distributed;

/// <summary>What went wrong at one rank, as the others are told.</summary>
/// <param name="Rank">The rank.</param>
/// <param name="ExitCode">The exit code with which all ranks end.</param>
/// <param name="ErrorId">The error's stable id.</param>
/// <param name="Message">One sentence.</param>
/// <param name="IsInterruption">Whether it was asked to stop.</param>
internal sealed record RankFailure(int Rank, ExitCode ExitCode, string ErrorId, string Message, bool IsInterruption = false)
{
    /// <summary>What an exception means.</summary>
    public static RankFailure Of(Exception exception, int rank) => exception switch
    {
        OperationCanceledException => new(rank, ExitCode.Stopped, "Stopped", exception.Message, IsInterruption: true),
        RunException known => new(rank, known.ExitCode, known.ErrorId, known.Message),
        SampleException sample => new(rank, ExitCode.Data, "SampleNotReadable", sample.Message),
        SkipBudgetException budget => new(rank, ExitCode.Data, "SkipBudgetExceeded", budget.Message),
        LoaderException loader => new(rank, ExitCode.Configuration, "LoaderNotUsable", loader.Message),
        OutOfMemoryException => new(rank, ExitCode.OutOfMemory, "OutOfMemory", "the memory of its machine was not enough."),
        _ => new(rank, ExitCode.Unexpected, "RankFailed", $"unexpected {exception.GetType().Name}: {exception.Message.Split('\n')[0].Trim()}"),
    };

    /// <summary>The exception at a rank to which it did not happen itself.</summary>
    public RunException ToException() => new(ExitCode, ErrorId, $"Rank {Rank} failed: {Message}");
}
