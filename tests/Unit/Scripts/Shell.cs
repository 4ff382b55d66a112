using System.Diagnostics;

namespace RobustTrain.Tests.Scripts;

/// <summary>Programs that a test runs, and conditions that it waits for.</summary>
internal static class Shell
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(10);

    /// <summary>Runs a program to its end.</summary>
    public static (int Code, string Output) Run(string program, params string[] arguments) => Run(program, [], arguments);

    /// <summary>Runs a program with other environment variables to its end.</summary>
    public static (int Code, string Output) Run(string program, Dictionary<string, string> variables, params string[] arguments)
    {
        using Process process = Start(program, variables, arguments);
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + error.GetAwaiter().GetResult());
    }

    /// <summary>Starts a program.</summary>
    public static Process Start(string program, Dictionary<string, string> variables, params string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach ((string name, string value) in variables)
            start.Environment[name] = value;
        return Process.Start(start)!;
    }

    /// <summary>Waits until a condition holds.</summary>
    public static async Task Until(Func<bool> condition, Func<string> otherwise)
    {
        for (long start = Stopwatch.GetTimestamp(); !condition();)
        {
            if (Stopwatch.GetElapsedTime(start) > s_patience)
                Assert.Fail(otherwise());
            await Task.Delay(100);
        }
    }
}
