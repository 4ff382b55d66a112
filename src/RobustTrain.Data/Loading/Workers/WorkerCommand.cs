namespace RobustTrain.Data.Loading.Workers;

/// <summary>The program that is a process worker, or tells of one.</summary>
/// <param name="FileName">The executable.</param>
/// <param name="Arguments">Its arguments.</param>
public sealed record WorkerCommand(string FileName, IReadOnlyList<string> Arguments)
{
    /// <summary>The command that makes <c>robusttrain</c> a process worker.</summary>
    public const string Verb = "loader-worker";

    /// <summary>The command that makes <c>robusttrain</c> tell where a thread stands.</summary>
    public const string StackVerb = "thread-stack";

    /// <summary>Finds <c>robusttrain</c>: this very program, or the one beside it.</summary>
    /// <param name="verb">What it is to be.</param>
    /// <exception cref="LoaderException">It is neither.</exception>
    public static WorkerCommand Find(string verb)
    {
        string? self = Environment.ProcessPath;
        if (self is not null && Path.GetFileNameWithoutExtension(self) == "robusttrain")
            return new WorkerCommand(self, [verb]);
        string name = Path.Combine(AppContext.BaseDirectory, "robusttrain");
        string host = OperatingSystem.IsWindows() ? name + ".exe" : name;
        string assembly = name + ".dll";
        if (File.Exists(host))
            return new WorkerCommand(host, [verb]);
        if (File.Exists(assembly))
            return new WorkerCommand("dotnet", [assembly, verb]);
        throw new LoaderException($"The program 'robusttrain', which '{verb}' needs, is not in '{AppContext.BaseDirectory}'.");
    }
}
