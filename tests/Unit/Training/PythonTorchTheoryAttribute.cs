using System.Diagnostics;

namespace RobustTrain.Tests.Training;

/// <summary>A theory that asks Debian's Python for its opinion.</summary>
internal sealed class PythonTorchTheoryAttribute : TheoryAttribute
{
    public const string Python = "/usr/bin/python3";

    public PythonTorchTheoryAttribute()
    {
        if (!File.Exists(Python) || !File.Exists("/usr/lib/python3/dist-packages/torch/__init__.py"))
            Skip = "Debian's python3-torch is not installed.";
    }

    /// <summary>Runs a script of the fixtures, and gives what it prints.</summary>
    public static string Ask(string script, params string[] arguments)
    {
        string path = Path.Combine(AppContext.BaseDirectory, "Training", "fixtures", script);
        using Process python = Process.Start(new ProcessStartInfo(Python, [path, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        Task<string> errors = python.StandardError.ReadToEndAsync();
        string output = python.StandardOutput.ReadToEnd();
        python.WaitForExit();
        Assert.True(python.ExitCode == 0, errors.Result);
        return output;
    }
}
