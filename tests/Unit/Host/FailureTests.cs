using RobustTrain.Data;
using RobustTrain.Host.Output;
using RobustTrain.Runs;

namespace RobustTrain.Tests.Host;

public sealed class FailureTests
{
    public static TheoryData<Exception, ExitCode, string, string> Foreseen() => new()
    {
        { new RunException(ExitCode.Numeric, "LossNotFinite", "The loss is NaN."), ExitCode.Numeric, "LossNotFinite", "The loss is NaN." },
        { new DatasetException("The folder '/d' is empty.", "/d"), ExitCode.Configuration, "DatasetNotUsable", "The folder '/d' is empty." },
        { new SampleException("'/d/a.png' is no PNG.", "/d/a.png"), ExitCode.Data, "SampleNotReadable", "'/d/a.png' is no PNG." },
        { new AggregateException(new SampleException("'/d/a.png' is no PNG.", "/d/a.png")), ExitCode.Data, "SampleNotReadable", "'/d/a.png' is no PNG." },
        { new TypeInitializationException("X", new DllNotFoundException("libtorch was not found.")), ExitCode.Configuration, "NativeLibraryNotFound", "libtorch was not found." },
        { new IOException("No space left on device : '/r/x'", 28), ExitCode.Unexpected, "NoSpaceLeft", "'/r/x' can't be written: there is no space left on the disk." },
        { new IOException("No space left on device", 28), ExitCode.Unexpected, "NoSpaceLeft", "The disk can't be written: there is no space left on the disk." },
        { new UnauthorizedAccessException("Access to '/r' is denied."), ExitCode.Unexpected, "StorageFailed", "The disk refuses: Access to '/r' is denied." },
    };

    [Theory]
    [MemberData(nameof(Foreseen))]
    public void What_was_foreseen_is_a_sentence_with_its_exit_code_and_id(Exception exception, ExitCode exitCode, string errorId, string message)
    {
        Failure failure = Failure.Of(exception);

        Assert.Equal((exitCode, errorId, message), (failure.ExitCode, failure.ErrorId, failure.Message));
        using StringWriter output = new() { NewLine = "\n" };
        failure.WriteTo(output);
        Assert.Equal($"robusttrain: {message}\n", output.ToString());
    }

    [Fact]
    public void The_image_at_fault_is_the_target_where_it_is_known()
    {
        Assert.Equal("/d/a.png", Failure.Of(new AggregateException(new SampleException("'/d/a.png' is no PNG.", "/d/a.png"))).Target);
        Assert.Equal("/d/b.png", Failure.Of(new DatasetException("'/d/b.png' is no PNG.", "/d/b.png")).Target);
        Assert.Null(Failure.Of(new SampleException("The sample 3 (Szada/1 crop 3) can't be loaded: killed.", "Szada/1 crop 3")).Target);
        Assert.Null(Failure.Of(new RunException(ExitCode.Numeric, "LossNotFinite", "The loss is NaN.", "/r")).Target);
    }

    [Fact]
    public void Too_little_memory_has_an_exit_code_of_its_own() =>
        Assert.Equal(ExitCode.OutOfMemory, Failure.Of(new OutOfMemoryException()).ExitCode);

    [Fact]
    public void What_nobody_foresaw_is_a_sentence_whose_trace_is_kept_in_the_run()
    {
        using TemporaryFolder folder = new();

        Failure failure = CrashReport.Keep(Failure.Of(new InvalidOperationException("Odd.\nVery.")), folder.Path, TimeProvider.System);

        string trace = Assert.Single(Directory.EnumerateFiles(folder.Path, "crash-*.txt"));
        Assert.Equal(ExitCode.Unexpected, failure.ExitCode);
        Assert.Equal($"Unexpected InvalidOperationException: Odd. The trace is in '{trace}'.", failure.Message);
        Assert.Contains("System.InvalidOperationException: Odd.", File.ReadAllText(trace), StringComparison.Ordinal);
    }

    [Fact]
    public void A_trace_that_cannot_be_kept_is_said_to_be_so()
    {
        Failure failure = CrashReport.Keep(Failure.Of(new InvalidOperationException("Odd.")), "/no/such/folder", TimeProvider.System);

        Assert.Contains("Its trace could not be kept", failure.Message, StringComparison.Ordinal);
    }
}
