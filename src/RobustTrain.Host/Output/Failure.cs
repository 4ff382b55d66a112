using System.Globalization;
using System.Text.RegularExpressions;
using RobustTrain.Configuration;
using RobustTrain.Data;
using RobustTrain.Host.Limits;
using RobustTrain.Platform;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;

namespace RobustTrain.Host.Output;

/// <summary>What an exception means to the operator: the one place where exceptions become sentences and exit codes.</summary>
/// <param name="ExitCode">The exit code.</param>
/// <param name="ErrorId">A stable id for scripts.</param>
/// <param name="Message">One sentence, or one a line where there are several mistakes.</param>
/// <param name="Cause">The exception.</param>
internal sealed partial record Failure(ExitCode ExitCode, string ErrorId, string Message, Exception Cause)
{
    /// <summary>The environment variable that, set to 1, has stack traces printed.</summary>
    public const string DebugVariable = "ROBUSTTRAIN_DEBUG";

    /// <summary>Whether nobody foresaw it, so that a stack trace is worth keeping.</summary>
    public bool IsUnexpected => ErrorId == "Unexpected";

    /// <summary>The file or folder at fault, where the data is to blame; null where it is not known.</summary>
    public string? Target => Cause switch
    {
        SampleException sample when Path.IsPathRooted(sample.Path) => sample.Path,
        DatasetException dataset when Path.IsPathRooted(dataset.Path) => dataset.Path,
        _ => null,
    };

    /// <summary>Finds out what an exception means.</summary>
    public static Failure Of(Exception exception) => exception switch
    {
        AggregateException { InnerExceptions: [var only] } => Of(only),
        TypeInitializationException { InnerException: { } inner } => Of(inner),
        IOException or OutOfMemoryException or System.ComponentModel.Win32Exception or LoaderException when SystemLimits.OfThisProcess().Exhausted() is { } limit =>
            new Failure(ExitCode.Configuration, "LimitTooLow", limit, exception),
        ConfigurationException configuration => new Failure(ExitCode.Configuration, configuration.ErrorId, configuration.Message, configuration),
        RunException known => new Failure(known.ExitCode, known.ErrorId, known.Message, known),
        DatasetException dataset => new Failure(ExitCode.Configuration, "DatasetNotUsable", dataset.Message, dataset),
        LoaderException loader => new Failure(ExitCode.Configuration, "LoaderNotUsable", loader.Message, loader),
        SkipBudgetException budget => new Failure(ExitCode.Data, "SkipBudgetExceeded", budget.Message, budget),
        SampleException sample => new Failure(ExitCode.Data, "SampleNotReadable", sample.Message, sample),
        OutOfMemoryException memory => new Failure(ExitCode.OutOfMemory, "OutOfMemory", "The memory of this machine is not enough for this run; a smaller loader.batch_size or data.crop_size needs less.", memory),
        DllNotFoundException library => new Failure(ExitCode.Configuration, "NativeLibraryNotFound", library.Message, library),
        BadImageFormatException or EntryPointNotFoundException => new Failure(
            ExitCode.Configuration, "NativeLibraryNotUsable", $"A native library doesn't fit this program: {FirstLine(exception)} Build it again with './build.sh build'.", exception),
        _ when StorageError.IsNoSpaceLeft(exception) => new Failure(ExitCode.Unexpected, "NoSpaceLeft", NoSpace(exception), exception),
        IOException or UnauthorizedAccessException => new Failure(ExitCode.Unexpected, "StorageFailed", $"The disk refuses: {FirstLine(exception)}", exception),
        _ => new Failure(ExitCode.Unexpected, "Unexpected", $"Unexpected {exception.GetType().Name}: {FirstLine(exception)}", exception),
    };

    /// <summary>Writes the sentences, each on a line of its own, and the stack trace where it is asked for.</summary>
    public void WriteTo(TextWriter target)
    {
        foreach (string sentence in Message.Split('\n'))
            target.WriteLine($"robusttrain: {sentence}");
        if (Environment.GetEnvironmentVariable(DebugVariable) == "1")
            target.WriteLine(Cause);
        else if (IsUnexpected)
            target.WriteLine($"robusttrain: {DebugVariable}=1 prints where it happened.");
        target.Flush();
    }

    // .NET's own sentence, in other words than ours, ends with the path.
    private static string NoSpace(Exception exception)
    {
        Match path = PathAtEnd().Match(FirstLine(exception));
        return path.Success ? $"{path.Groups["path"].Value} can't be written: {StorageError.Describe(exception)}" : "The disk can't be written: there is no space left on the disk.";
    }

    [GeneratedRegex(" : (?<path>'.+')$")]
    private static partial Regex PathAtEnd();

    private static string FirstLine(Exception exception) => exception.Message.Split('\n')[0].Trim();
}

/// <summary>Keeps the stack trace of an error that nobody foresaw in the run's folder.</summary>
internal static class CrashReport
{
    /// <summary>Writes the trace.</summary>
    /// <returns>The failure with a sentence that says where its trace is.</returns>
    public static Failure Keep(Failure failure, string runPath, TimeProvider time)
    {
        if (!failure.IsUnexpected)
            return failure;
        string path = Path.Combine(runPath, $"crash-{time.GetUtcNow().ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture)}.txt");
        try
        {
            File.WriteAllText(path, $"{failure.Cause}\n");
            return failure with { Message = $"{failure.Message} The trace is in '{path}'." };
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return failure with { Message = $"{failure.Message} Its trace could not be kept: {exception.Message}" };
        }
    }
}

/// <summary>Turns what a command throws into sentences on standard error, an event, and an exit code.</summary>
internal static class CommandGuard
{
    /// <summary>Runs a command.</summary>
    /// <param name="command">The work; gives the exit code.</param>
    /// <param name="events">Is told of a failure; null where nobody reads events.</param>
    public static int Run(Func<int> command, EventStream? events = null)
    {
        try
        {
            return command();
        }
        catch (Exception exception)
        {
            return Report(Failure.Of(exception), events);
        }
        finally
        {
            events?.Dispose();
        }
    }

    /// <summary>Says something on standard error.</summary>
    public static void Say(string sentence) => Console.Error.WriteLine($"robusttrain: {sentence}");

    /// <summary>Reports a failure.</summary>
    /// <returns>Its exit code.</returns>
    public static int Report(Failure failure, EventStream? events)
    {
        events?.Write(new RunFinished("failed", (int)failure.ExitCode, failure.Message, failure.ErrorId) { Target = failure.Target });
        failure.WriteTo(Console.Error);
        return (int)failure.ExitCode;
    }
}
