namespace RobustTrain.Data;

/// <summary>A dataset can't be opened: its folder is missing, empty or not in the expected layout. One sentence for the operator.</summary>
public sealed class DatasetException(string message, string path, Exception? innerException = null)
    : Exception(message, innerException)
{
    private const int Named = 5;

    private DatasetException(IReadOnlyList<DatasetFault> faults)
        : this(Summary(faults), faults[0].Path)
    {
        Faults = faults;
    }

    /// <summary>The folder or file at fault; the first of several.</summary>
    public string Path { get; } = path;

    /// <summary>Each fault in a sentence of its own.</summary>
    public IReadOnlyList<DatasetFault> Faults { get; } = [new DatasetFault(message, path)];

    /// <summary>Throws where there is a fault: its sentence, followed by the names of the other files at fault.</summary>
    /// <exception cref="DatasetException">There is one.</exception>
    public static void ThrowIfAny(IReadOnlyList<DatasetFault> faults)
    {
        if (faults.Count > 0)
            throw new DatasetException(faults);
    }

    private static string Summary(IReadOnlyList<DatasetFault> faults)
    {
        if (faults.Count == 1)
            return faults[0].Message;
        string[] others = [.. faults.Skip(1).Select(fault => fault.Path).Distinct()];
        string count = faults.Count == 2 ? "There is 1 more fault" : $"There are {faults.Count - 1} more faults";
        string named = string.Join(", ", others.Take(Named).Select(file => $"'{file}'"));
        return $"{faults[0].Message} {count}, in {named}{(others.Length > Named ? $" and {others.Length - Named} more" : "")}.";
    }
}

/// <summary>What is wrong with one file of a dataset.</summary>
/// <param name="Message">One sentence that names the file.</param>
/// <param name="Path">The file.</param>
public sealed record DatasetFault(string Message, string Path);
