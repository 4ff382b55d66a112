using System.ComponentModel;
using System.Diagnostics;
using RobustTrain.Platform;

namespace RobustTrain.Runs.Scheduling;

/// <summary>A scheduler's own program, which is called for every question and every change.</summary>
/// <param name="path">Where it is; a bare name is looked up on the path.</param>
public sealed class SchedulerProgram(string path)
{
    /// <summary>The id of the error of a scheduler that refuses.</summary>
    public const string Refused = "SchedulerRefused";

    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(2);

    /// <summary>Its name for people.</summary>
    public string Name { get; } = Path.GetFileNameWithoutExtension(path);

    /// <summary>Calls it.</summary>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="input">What it reads.</param>
    /// <exception cref="RunException">It can't be started, or does not end.</exception>
    public Answer Call(IEnumerable<string> arguments, byte[]? input = null)
    {
        ProcessStartInfo start = new(path, arguments) { RedirectStandardOutput = true };

        // Its messages are compared, and told beside sentences in English.
        start.Environment["LC_ALL"] = "C";
        try
        {
            using ChildProcess child = ChildProcess.Start(start, errors: ChildProcess.SystemText);
            Task<byte[]> output = Task.Run(() => ReadToEnd(child.Output.BaseStream));
            Write(child, input ?? []);
            if (!output.Wait(s_limit) || child.WaitForExit(s_limit) is not { } code)
            {
                child.Kill(wholeTree: true);
                throw new RunException(ExitCode.Unexpected, "SchedulerHangs", $"{Name} has not answered within {s_limit.TotalMinutes:0} minutes.", path);
            }

            return new Answer(code, output.Result, string.Join(' ', child.LastErrorLines(s_limit)));
        }
        catch (Win32Exception failure)
        {
            throw new RunException(ExitCode.Configuration, "SchedulerNotStarted", $"'{path}' could not be started: {failure.Message}", path, failure);
        }
    }

    /// <summary>Calls it for a change that it may refuse.</summary>
    /// <exception cref="RunException">It refuses, or can't be started.</exception>
    public Answer Demand(IEnumerable<string> arguments, byte[]? input = null)
    {
        Answer answer = Call(arguments, input);
        if (answer.Code == 0)
            return answer;
        string reason = answer.Error.Length > 0 ? answer.Error : answer.Text;
        throw new RunException(ExitCode.Configuration, Refused, $"{Name} refused with exit code {answer.Code}: {reason.ReplaceLineEndings(" ").Trim()}", path);
    }

    private static byte[] ReadToEnd(Stream stream)
    {
        using MemoryStream all = new();
        stream.CopyTo(all);
        return all.ToArray();
    }

    private static void Write(ChildProcess child, byte[] input)
    {
        try
        {
            child.Input.BaseStream.Write(input);
            child.Input.BaseStream.Flush();
        }
        catch (IOException)
        {
            // It ended before it had read all; its exit code and its message say why.
        }

        child.CutLifeLine();
    }

    /// <summary>What a call came to.</summary>
    public sealed record Answer(int Code, byte[] Output, string Error)
    {
        /// <summary>What it wrote, as text.</summary>
        public string Text => ChildProcess.SystemText.GetString(Output);
    }
}
